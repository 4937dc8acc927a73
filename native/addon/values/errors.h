// Converts statuses to JavaScript errors with a `message`, a `code`, and a `cause` that has llama.cpp's
// log output. lib/native/errors.ts converts these to the public error classes.

#ifndef AUTOCOG_ADDON_VALUES_ERRORS_H_
#define AUTOCOG_ADDON_VALUES_ERRORS_H_

#include "addon/napi_common.h"
#include "engine/common/status.h"

namespace autocog {

// REQUIRES: !status.ok().
Napi::Value ToError(Napi::Env env, const Status& status);
void Throw(Napi::Env env, const Status& status);

}  // namespace autocog

#endif  // AUTOCOG_ADDON_VALUES_ERRORS_H_
