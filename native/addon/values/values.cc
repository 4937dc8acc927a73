// See values.h.

#include "addon/values/values.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace autocog {

namespace {

constexpr napi_type_tag kCancellationTag = {0x6c1f2f0ad0b84d5bULL, 0x9a3b1f74c2e85d06ULL};

// Returns nullopt after throwing a TypeError, unless an exception is pending already.
std::nullopt_t Reject(Napi::Env env, const std::string& what) {
  if (!env.IsExceptionPending())
    Napi::TypeError::New(env, "Native call: expected " + what).ThrowAsJavaScriptException();
  return std::nullopt;
}

std::string Argument(const char* what, size_t index) {
  return std::string(what) + " as argument " + std::to_string(index);
}

bool IsTyped(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

std::optional<int> ToInt(const Napi::Value& value) {
  if (!value.IsNumber()) return std::nullopt;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (number != std::floor(number) || number < std::numeric_limits<int>::min() ||
      number > std::numeric_limits<int>::max()) {
    return std::nullopt;
  }
  return static_cast<int>(number);
}

std::optional<std::vector<std::string>> ToStrings(const Napi::Value& value) {
  if (!value.IsArray()) return std::nullopt;
  auto array = value.As<Napi::Array>();
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    Napi::Value element = array[i];
    if (!element.IsString()) return std::nullopt;
    strings.push_back(element.As<Napi::String>().Utf8Value());
  }
  return strings;
}

// Returns null for anything but a cancellation.
CancelFlag ToFlag(const Napi::Value& value) {
  if (!value.IsObject()) return nullptr;
  auto object = value.As<Napi::Object>();
  void* flag = nullptr;
  if (!object.CheckTypeTag(&kCancellationTag) || napi_unwrap(value.Env(), object, &flag) != napi_ok) return nullptr;
  return *static_cast<CancelFlag*>(flag);
}

}  // namespace

std::optional<std::string> ReadString(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsString()) return Reject(info.Env(), Argument("a string", index));
  return info[index].As<Napi::String>().Utf8Value();
}

std::optional<bool> ReadBool(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsBoolean()) return Reject(info.Env(), Argument("a boolean", index));
  return info[index].As<Napi::Boolean>().Value();
}

std::optional<int> ReadInt(const Napi::CallbackInfo& info, size_t index) {
  auto number = ToInt(info[index]);
  if (!number) return Reject(info.Env(), Argument("a 32-bit integer", index));
  return number;
}

std::optional<std::vector<int32_t>> ReadInt32s(const Napi::CallbackInfo& info, size_t index) {
  if (!IsTyped(info[index], napi_int32_array)) return Reject(info.Env(), Argument("an Int32Array", index));
  auto array = info[index].As<Napi::Int32Array>();
  return std::vector<int32_t>(array.Data(), array.Data() + array.ElementLength());
}

std::optional<double> ReadNumber(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsNumber()) return Reject(info.Env(), Argument("a number", index));
  return info[index].As<Napi::Number>().DoubleValue();
}

std::optional<std::vector<double>> ReadDoubles(const Napi::CallbackInfo& info, size_t index) {
  if (!IsTyped(info[index], napi_float64_array)) return Reject(info.Env(), Argument("a Float64Array", index));
  auto array = info[index].As<Napi::Float64Array>();
  return std::vector<double>(array.Data(), array.Data() + array.ElementLength());
}

std::optional<std::vector<float>> ReadFloats(const Napi::CallbackInfo& info, size_t index) {
  if (!IsTyped(info[index], napi_float32_array)) return Reject(info.Env(), Argument("a Float32Array", index));
  auto array = info[index].As<Napi::Float32Array>();
  return std::vector<float>(array.Data(), array.Data() + array.ElementLength());
}

std::optional<std::vector<uint8_t>> ReadBytes(const Napi::CallbackInfo& info, size_t index) {
  if (!IsTyped(info[index], napi_uint8_array)) return Reject(info.Env(), Argument("a Uint8Array", index));
  auto array = info[index].As<Napi::Uint8Array>();
  return std::vector<uint8_t>(array.Data(), array.Data() + array.ElementLength());
}

std::optional<std::vector<std::string>> ReadStrings(const Napi::CallbackInfo& info, size_t index) {
  auto strings = ToStrings(info[index]);
  if (!strings) return Reject(info.Env(), Argument("an array of strings", index));
  return strings;
}

std::optional<Napi::Object> ReadObject(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsObject()) return Reject(info.Env(), Argument("an object", index));
  return info[index].As<Napi::Object>();
}

std::optional<CancelFlag> ReadCancellation(const Napi::CallbackInfo& info, size_t index) {
  if (CancelFlag flag = ToFlag(info[index])) return flag;
  return Reject(info.Env(), Argument("a cancellation", index));
}

std::optional<std::vector<CancelFlag>> ReadCancellations(const Napi::CallbackInfo& info, size_t index) {
  std::vector<CancelFlag> flags;
  if (!info[index].IsArray()) return Reject(info.Env(), Argument("an array of cancellations", index));
  auto array = info[index].As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    CancelFlag flag = ToFlag(array.Get(i));
    if (!flag) return Reject(info.Env(), Argument("an array of cancellations", index));
    flags.push_back(std::move(flag));
  }
  return flags;
}

std::string StringField(const Napi::Object& object, const char* name) {
  Napi::Value value = object.Get(name);
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  Reject(object.Env(), std::string("a string for ") + name);
  return {};
}

bool BoolField(const Napi::Object& object, const char* name) {
  Napi::Value value = object.Get(name);
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  Reject(object.Env(), std::string("a boolean for ") + name);
  return false;
}

double NumberField(const Napi::Object& object, const char* name) {
  Napi::Value value = object.Get(name);
  if (value.IsNumber()) return value.As<Napi::Number>().DoubleValue();
  Reject(object.Env(), std::string("a number for ") + name);
  return 0;
}

int IntField(const Napi::Object& object, const char* name) {
  if (auto number = ToInt(object.Get(name))) return *number;
  Reject(object.Env(), std::string("a 32-bit integer for ") + name);
  return 0;
}

std::vector<int32_t> Int32sField(const Napi::Object& object, const char* name) {
  Napi::Value value = object.Get(name);
  if (IsTyped(value, napi_int32_array)) {
    auto array = value.As<Napi::Int32Array>();
    return {array.Data(), array.Data() + array.ElementLength()};
  }
  Reject(object.Env(), std::string("an Int32Array for ") + name);
  return {};
}

std::vector<uint8_t> BytesField(const Napi::Object& object, const char* name) {
  Napi::Value value = object.Get(name);
  if (IsTyped(value, napi_uint8_array)) {
    auto array = value.As<Napi::Uint8Array>();
    return {array.Data(), array.Data() + array.ElementLength()};
  }
  Reject(object.Env(), std::string("a Uint8Array for ") + name);
  return {};
}

std::vector<Napi::Object> ObjectsField(const Napi::Object& object, const char* name) {
  std::vector<Napi::Object> objects;
  Napi::Value value = object.Get(name);
  if (value.IsArray()) {
    auto array = value.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); ++i) {
      Napi::Value each = array.Get(i);
      if (each.IsObject()) objects.push_back(each.As<Napi::Object>());
    }
    if (objects.size() == array.Length()) return objects;
  }
  Reject(object.Env(), std::string("an array of objects for ") + name);
  return {};
}

std::vector<double> DoublesField(const Napi::Object& object, const char* name) {
  Napi::Value value = object.Get(name);
  if (IsTyped(value, napi_float64_array)) {
    auto array = value.As<Napi::Float64Array>();
    return {array.Data(), array.Data() + array.ElementLength()};
  }
  Reject(object.Env(), std::string("a Float64Array for ") + name);
  return {};
}

std::vector<std::string> StringsField(const Napi::Object& object, const char* name) {
  if (auto strings = ToStrings(object.Get(name))) return std::move(*strings);
  Reject(object.Env(), std::string("an array of strings for ") + name);
  return {};
}

namespace {

// A terminating worker thread cannot create arrays; its results are discarded anyway.
template <typename Array, typename T>
Napi::Value CopyToArray(Napi::Env env, const std::vector<T>& values) {
  auto array = Array::New(env, values.size());
  if (array.IsEmpty()) return env.Undefined();
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(T));
  return array;
}

}  // namespace

Napi::Value FromInt32s(Napi::Env env, const std::vector<int32_t>& values) {
  return CopyToArray<Napi::Int32Array>(env, values);
}

Napi::Value FromBytes(Napi::Env env, const std::string& bytes) {
  return CopyToArray<Napi::Uint8Array>(env, std::vector<uint8_t>(bytes.begin(), bytes.end()));
}

Napi::Value FromDoubles(Napi::Env env, const std::vector<double>& values) {
  return CopyToArray<Napi::Float64Array>(env, values);
}

Napi::Value FromFloats(Napi::Env env, std::vector<float> values) {
  const size_t count = values.size();
  const size_t bytes = count * sizeof(float);
  if (count > 0) {
    auto owner = std::make_unique<std::vector<float>>(std::move(values));
    napi_value buffer = nullptr;
    const napi_status status = napi_create_external_arraybuffer(
        env, owner->data(), bytes, [](napi_env, void*, void* hint) { delete static_cast<std::vector<float>*>(hint); },
        owner.get(), &buffer);
    if (status == napi_ok) {
      owner.release();
      return Napi::Float32Array::New(env, count, Napi::ArrayBuffer(env, buffer), 0);
    }
    // Runtimes with a V8 memory cage (Electron) do not support external buffers.
    values = std::move(*owner);
  }
  return CopyToArray<Napi::Float32Array>(env, values);
}

Napi::Value FromUsage(Napi::Env env, const Usage& usage) {
  // In the order of NativeUsage in lib/native/binding-types.ts.
  return FromDoubles(
      env, {static_cast<double>(usage.prompt_tokens), static_cast<double>(usage.cached_tokens),
            static_cast<double>(usage.decoded_tokens), static_cast<double>(usage.padding_tokens),
            static_cast<double>(usage.decode_calls), usage.queue_ms, usage.prompt_ms, usage.decode_ms, usage.read_ms});
}

// createCancellation(): NativeCancellation
// none: the flag is read by the engine's abort and progress callbacks
Napi::Value NewCancellation(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object object = Napi::Object::New(env);
  auto flag = std::make_unique<CancelFlag>(NewCancelFlag());
  CancelFlag shared = *flag;
  const napi_status status = napi_wrap(
      env, object, flag.get(), [](napi_env, void* data, void*) { delete static_cast<CancelFlag*>(data); }, nullptr,
      nullptr);
  // Only in a worker that is being terminated (rule 5 of environment.h).
  if (status != napi_ok) return env.Undefined();
  flag.release();
  object.TypeTag(&kCancellationTag);
  object.Set("cancel", Napi::Function::New(env, [shared](const Napi::CallbackInfo&) { shared->store(true); }));
  return object;
}

}  // namespace autocog
