// See adapter_wrap.h. Above each method: its TypeScript signature and the
// llama.h calls behind it.

#include "addon/classes/adapter_wrap.h"

#include <string>
#include <utility>

#include "addon/job.h"
#include "addon/values/errors.h"
#include "addon/values/values.h"

namespace autocog {

namespace {

constexpr napi_type_tag kAdapterTag = {0x7d5be9a0c3f14276ULL, 0x8e21b7f64ad09c35ULL};

using Loaded = std::shared_ptr<Adapter>;

}  // namespace

bool AdapterWrap::Install(Napi::Env env) {
  Napi::Function constructor =
      DefineClass(env, "NativeAdapter",
                  {InstanceMethod<&AdapterWrap::Metadata>("metadata"), InstanceMethod<&AdapterWrap::Ignored>("ignored"),
                   InstanceMethod<&AdapterWrap::Close>("close")});
  if (constructor.IsEmpty()) return false;
  Environment::Get(env)->adapter_class = Napi::Persistent(constructor);
  return true;
}

Napi::Value AdapterWrap::Load(Napi::Env env, Napi::Object owner, const std::shared_ptr<JobThread>& thread,
                              std::shared_ptr<Model> model, std::string path) {
  auto work = [model = std::move(model), path = std::move(path)] { return Adapter::Load(model, path); };
  return Job<Loaded>::Start(env, owner, thread, std::move(work), [](Napi::Env env, Loaded& loaded) -> Napi::Value {
    return Environment::Get(env)->adapter_class.New({Napi::External<Loaded>::New(env, &loaded)});
  });
}

std::optional<std::vector<std::shared_ptr<Adapter>>> AdapterWrap::From(const Napi::CallbackInfo& info, size_t index) {
  const auto reject = [&] {
    Napi::TypeError::New(info.Env(), "Native call: expected an array of adapters").ThrowAsJavaScriptException();
    return std::nullopt;
  };
  if (!info[index].IsArray()) return reject();
  auto array = info[index].As<Napi::Array>();
  std::vector<std::shared_ptr<Adapter>> adapters;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    Napi::Value element = array[i];
    if (!element.IsObject() || !element.As<Napi::Object>().CheckTypeTag(&kAdapterTag)) return reject();
    AdapterWrap* wrap = Napi::ObjectWrap<AdapterWrap>::Unwrap(element.As<Napi::Object>());
    // Null in a worker that is being terminated (rule 5).
    if (wrap == nullptr || !wrap->CheckOpen(info.Env())) return std::nullopt;
    adapters.push_back(wrap->adapter_);
  }
  return adapters;
}

AdapterWrap::AdapterWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<AdapterWrap>(info) {
  if (!info[0].IsExternal()) {
    Napi::TypeError::New(info.Env(), "Adapters are created by loadAdapter").ThrowAsJavaScriptException();
    return;
  }
  adapter_ = std::move(*info[0].As<Napi::External<Loaded>>().Data());
  info.This().As<Napi::Object>().TypeTag(&kAdapterTag);
  Environment::Get(info.Env())->Add(this);
}

AdapterWrap::~AdapterWrap() { Environment::Get(Env())->Remove(this); }

bool AdapterWrap::CheckOpen(Napi::Env env) const {
  if (adapter_) return true;
  Throw(env, Status(Code::kClosed, "The adapter is closed"));
  return false;
}

// metadata(): string[]
// llama_adapter_meta_count, llama_adapter_meta_key_by_index, llama_adapter_meta_val_str_by_index
Napi::Value AdapterWrap::Metadata(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!CheckOpen(env)) return env.Undefined();
  const auto metadata = adapter_->Metadata();
  Napi::Array array = Napi::Array::New(env, metadata.size() * 2);
  uint32_t index = 0;
  for (const auto& [key, value] : metadata) {
    array.Set(index++, key);
    array.Set(index++, value);
  }
  return array;
}

// ignored(): string[]
// none: determined when the file was loaded
Napi::Value AdapterWrap::Ignored(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!CheckOpen(env)) return env.Undefined();
  Napi::Array array = Napi::Array::New(env, adapter_->ignored().size());
  uint32_t index = 0;
  for (const std::string& name : adapter_->ignored()) array.Set(index++, name);
  return array;
}

// close(): void
// llama_adapter_lora_free, unless a session still uses the adapter
Napi::Value AdapterWrap::Close(const Napi::CallbackInfo& info) {
  adapter_.reset();
  return info.Env().Undefined();
}

}  // namespace autocog
