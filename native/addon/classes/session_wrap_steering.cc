// The methods of NativeSession that set adapters and control vectors. See session_wrap.h. Above each
// method: its TypeScript signature and the llama.h calls behind it.

#include <string>
#include <utility>
#include <vector>

#include "addon/classes/adapter_wrap.h"
#include "addon/classes/session_wrap.h"
#include "addon/values/values.h"

namespace autocog {

namespace {

Napi::Value FromName(Napi::Env env, std::string& name) { return Napi::String::New(env, name); }

}  // namespace

// setAdapters(adapters: NativeAdapter[], scales: Float64Array, cancellation): Promise<string>
// llama_set_adapters_lora, llama_decode
Napi::Value SessionWrap::SetAdapters(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto adapters = AdapterWrap::From(info, 0);
  auto scales = adapters ? ReadDoubles(info, 1) : std::nullopt;
  auto flag = scales ? ReadCancellation(info, 2) : std::nullopt;
  if (!flag) return env.Undefined();
  if (scales->size() != adapters->size()) {
    Napi::TypeError::New(env, "Native call: expected a scale for each adapter").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  std::vector<AdapterUse> uses;
  for (size_t i = 0; i < adapters->size(); ++i) {
    uses.push_back({std::move((*adapters)[i]), static_cast<float>((*scales)[i])});
  }
  auto run = [session = session_, thread = thread_.get(), flag = std::move(*flag),
              uses = std::move(uses)]() mutable -> Result<std::string> {
    const Cancellation cancellation(thread, flag);
    if (cancellation.requested()) return cancellation.status();
    return (*session)->SetAdapters(std::move(uses));
  };
  return Job<std::string>::Start(env, Value(), thread_, std::move(run), FromName);
}

// setControlVector(data: Float32Array, cancellation): Promise<string>
// llama_set_adapter_cvec, llama_decode
Napi::Value SessionWrap::SetControlVector(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto data = ReadFloats(info, 0);
  auto flag = data ? ReadCancellation(info, 1) : std::nullopt;
  if (!flag) return env.Undefined();
  auto run = [session = session_, thread = thread_.get(), flag = std::move(*flag),
              data = std::move(*data)]() -> Result<std::string> {
    const Cancellation cancellation(thread, flag);
    if (cancellation.requested()) return cancellation.status();
    return (*session)->SetControlVector(data);
  };
  return Job<std::string>::Start(env, Value(), thread_, std::move(run), FromName);
}

}  // namespace autocog
