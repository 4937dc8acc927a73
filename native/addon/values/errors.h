// Statuses as JavaScript errors: `message`, `code`, and `cause` with what llama.cpp logged.
// lib/common/errors.ts makes the public classes of them.

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
