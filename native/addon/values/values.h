// Conversions between JavaScript and C++ values. The Read functions check types and return nullopt
// after throwing a TypeError, so that an invalid call from lib is an error and never undefined
// behavior. The From functions copy small arrays and transfer large ones.

#ifndef AUTOCOG_ADDON_VALUES_VALUES_H_
#define AUTOCOG_ADDON_VALUES_VALUES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "addon/napi_common.h"
#include "engine/common/cancellation.h"
#include "engine/common/usage.h"

namespace autocog {

std::optional<std::string> ReadString(const Napi::CallbackInfo& info, size_t index);
std::optional<bool> ReadBool(const Napi::CallbackInfo& info, size_t index);
std::optional<int> ReadInt(const Napi::CallbackInfo& info, size_t index);
std::optional<std::vector<int32_t>> ReadInt32s(const Napi::CallbackInfo& info, size_t index);
std::optional<double> ReadNumber(const Napi::CallbackInfo& info, size_t index);
std::optional<std::vector<double>> ReadDoubles(const Napi::CallbackInfo& info, size_t index);
std::optional<std::vector<float>> ReadFloats(const Napi::CallbackInfo& info, size_t index);
std::optional<std::vector<uint8_t>> ReadBytes(const Napi::CallbackInfo& info, size_t index);
std::optional<std::vector<std::string>> ReadStrings(const Napi::CallbackInfo& info, size_t index);
std::optional<Napi::Object> ReadObject(const Napi::CallbackInfo& info, size_t index);
// The flag of a NativeCancellation.
std::optional<CancelFlag> ReadCancellation(const Napi::CallbackInfo& info, size_t index);

// The flags of an array of NativeCancellations.
std::optional<std::vector<CancelFlag>> ReadCancellations(const Napi::CallbackInfo& info, size_t index);

// Fields of an options object. lib sets every field; for a missing or invalid one they return a default
// value and leave a TypeError pending.
std::string StringField(const Napi::Object& object, const char* name);
bool BoolField(const Napi::Object& object, const char* name);
double NumberField(const Napi::Object& object, const char* name);
int IntField(const Napi::Object& object, const char* name);
std::vector<std::string> StringsField(const Napi::Object& object, const char* name);
std::vector<int32_t> Int32sField(const Napi::Object& object, const char* name);
std::vector<double> DoublesField(const Napi::Object& object, const char* name);
std::vector<uint8_t> BytesField(const Napi::Object& object, const char* name);
std::vector<Napi::Object> ObjectsField(const Napi::Object& object, const char* name);

Napi::Value FromInt32s(Napi::Env env, const std::vector<int32_t>& values);
Napi::Value FromBytes(Napi::Env env, const std::string& bytes);
Napi::Value FromDoubles(Napi::Env env, const std::vector<double>& values);
// Transfers the memory without a copy if the runtime supports external buffers.
Napi::Value FromFloats(Napi::Env env, std::vector<float> values);
Napi::Value FromUsage(Napi::Env env, const Usage& usage);

// A new { cancel() } object.
Napi::Value NewCancellation(const Napi::CallbackInfo& info);

}  // namespace autocog

#endif  // AUTOCOG_ADDON_VALUES_VALUES_H_
