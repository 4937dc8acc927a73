// Converts NativeModelOptions and NativeSessionOptions of lib/native/binding-types.ts to the engine's
// structs. lib sets every field; an invalid one leaves a TypeError pending.

#ifndef AUTOCOG_ADDON_VALUES_OPTIONS_H_
#define AUTOCOG_ADDON_VALUES_OPTIONS_H_

#include "addon/napi_common.h"
#include "engine/context/context.h"
#include "engine/model/model.h"

namespace autocog {

ModelOptions ReadModelOptions(const Napi::Object& object);
ContextOptions ReadContextOptions(const Napi::Object& object);

}  // namespace autocog

#endif  // AUTOCOG_ADDON_VALUES_OPTIONS_H_
