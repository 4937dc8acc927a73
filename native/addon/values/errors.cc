// See errors.h.

#include "addon/values/errors.h"

namespace autocog {

Napi::Value ToError(Napi::Env env, const Status& status) {
  Napi::Object error = Napi::Error::New(env, status.message()).Value();
  error.Set("code", CodeName(status.code()));
  if (!status.cause().empty()) error.Set("cause", Napi::Error::New(env, status.cause()).Value());
  return error;
}

void Throw(Napi::Env env, const Status& status) { napi_throw(env, ToError(env, status)); }

}  // namespace autocog
