// The addon's export table: NativeAddon of lib/native/binding.ts. Init() runs once per environment.

#include <string>
#include <utility>
#include <vector>

#include "addon/classes/adapter_wrap.h"
#include "addon/classes/embedder_wrap.h"
#include "addon/classes/log_wrap.h"
#include "addon/classes/model_wrap.h"
#include "addon/classes/session_wrap.h"
#include "addon/environment.h"
#include "addon/job.h"
#include "addon/napi_common.h"
#include "addon/values/errors.h"
#include "addon/values/values.h"
#include "engine/common/backend.h"
#include "engine/common/backend_files.h"
#include "engine/common/cpu_check.h"
#include "engine/rpc/rpc_servers.h"

namespace autocog {

namespace {

// llamaVersion(): string
// llama_version
Napi::Value LlamaVersion(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), llama_version()); }

// systemInfo(): string
// llama_print_system_info
Napi::Value SystemInfo(const Napi::CallbackInfo& info) {
  InstallBackend();
  return Napi::String::New(info.Env(), llama_print_system_info());
}

// devices(): NativeDevice[]
// ggml_backend_dev_*
Napi::Value ListDevices(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto devices = Devices();
  Napi::Array array = Napi::Array::New(env, devices.size());
  for (uint32_t i = 0; i < devices.size(); ++i) {
    const Device& device = devices[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", device.name);
    object.Set("description", device.description);
    object.Set("backend", device.backend);
    object.Set("type", device.type);
    object.Set("memoryFree", static_cast<double>(device.memory_free));
    object.Set("memoryTotal", static_cast<double>(device.memory_total));
    array.Set(i, object);
  }
  return array;
}

// supportsRpc(): boolean
// llama_supports_rpc
Napi::Value SupportsRpc(const Napi::CallbackInfo& info) {
  InstallBackend();
  return Napi::Boolean::New(info.Env(), llama_supports_rpc());
}

// isRpcServerConnected(address: string): boolean
// none: the engine knows
Napi::Value CheckRpcServer(const Napi::CallbackInfo& info) {
  auto address = ReadString(info, 0);
  if (!address) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), IsRpcServerConnected(*address));
}

// cpuVariants(): NativeCpuVariant[]
// ggml_backend_load
Napi::Value ListCpuVariants(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  InstallBackend();
  const auto& variants = CpuVariants();
  Napi::Array array = Napi::Array::New(env, variants.size());
  for (uint32_t i = 0; i < variants.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", variants[i].name);
    object.Set("score", static_cast<double>(variants[i].score));
    object.Set("chosen", variants[i].chosen);
    array.Set(i, object);
  }
  return array;
}

// backendModules(): NativeBackendModule[]
// ggml_backend_load
Napi::Value ListBackendModules(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  InstallBackend();
  const auto& modules = BackendModules();
  Napi::Array array = Napi::Array::New(env, modules.size());
  for (uint32_t i = 0; i < modules.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", modules[i].name);
    object.Set("loaded", modules[i].error.empty());
    if (!modules[i].error.empty()) object.Set("error", modules[i].error);
    array.Set(i, object);
  }
  return array;
}

// kernels(): string[]
// none: ours, compiled into ggml's CPU backend
Napi::Value ListKernels(const Napi::CallbackInfo& info) {
  const std::vector<std::string> names = Kernels();
  Napi::Array array = Napi::Array::New(info.Env(), names.size());
  for (uint32_t i = 0; i < names.size(); ++i) array.Set(i, names[i]);
  return array;
}

// quantize(source: string, target: string, type: string, threads: number): Promise<string[]>
// llama_model_quantize
Napi::Value StartQuantize(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto source = ReadString(info, 0);
  auto target = source ? ReadString(info, 1) : std::nullopt;
  auto type = target ? ReadString(info, 2) : std::nullopt;
  auto threads = type ? ReadInt(info, 3) : std::nullopt;
  if (!threads) return env.Undefined();
  auto thread = Environment::Get(env)->NewThread();
  // The job keeps the thread until it is delivered, so the thread is joined on the JavaScript thread.
  auto work = [thread, source = std::move(*source), target = std::move(*target), type = std::move(*type),
               threads = *threads] { return Quantize(source, target, type, threads); };
  using Fallbacks = std::vector<Fallback>;
  return Job<Fallbacks>::Start(env, Napi::Object::New(env), thread, std::move(work),
                               [](Napi::Env env, Fallbacks& fallbacks) -> Napi::Value {
                                 Napi::Array array = Napi::Array::New(env, fallbacks.size() * 3);
                                 uint32_t index = 0;
                                 for (const Fallback& each : fallbacks) {
                                   array.Set(index++, each.tensor);
                                   array.Set(index++, each.requested);
                                   array.Set(index++, each.type);
                                 }
                                 return array;
                               });
}

using Callback = Napi::Value (*)(const Napi::CallbackInfo&);

// False if the environment is being terminated (rule 5 of environment.h).
template <Callback callback>
bool Export(Napi::Object exports, const char* name) {
  const Napi::Function function = Napi::Function::New<callback>(exports.Env(), name);
  return !function.IsEmpty() && napi_set_named_property(exports.Env(), exports, name, function) == napi_ok;
}

bool ExportAll(Napi::Env env, Napi::Object exports) {
  return Environment::Install(env) && ModelWrap::Install(env) && SessionWrap::Install(env) &&
         AdapterWrap::Install(env) && EmbedderWrap::Install(env) && Export<LlamaVersion>(exports, "llamaVersion") &&
         Export<SystemInfo>(exports, "systemInfo") && Export<ListDevices>(exports, "devices") &&
         Export<SupportsRpc>(exports, "supportsRpc") && Export<CheckRpcServer>(exports, "isRpcServerConnected") &&
         Export<ListCpuVariants>(exports, "cpuVariants") && Export<ListBackendModules>(exports, "backendModules") &&
         Export<ListKernels>(exports, "kernels") && Export<NewCancellation>(exports, "createCancellation") &&
         Export<ModelWrap::Load>(exports, "loadModel") && Export<SessionWrap::Create>(exports, "createSession") &&
         Export<SetLogger>(exports, "setLogger") && Export<EmbedderWrap::Create>(exports, "createEmbedder") &&
         Export<StartQuantize>(exports, "quantize");
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  if (Status status = CheckCpu(); !status.ok()) {
    Throw(env, status);
  } else if (!ExportAll(env, exports) && !env.IsExceptionPending()) {
    Throw(env, Status(Code::kInternal, "Node-API rejects the addon's exports"));
  }
  return exports;
}

}  // namespace

NODE_API_MODULE(autocog, Init)

}  // namespace autocog
