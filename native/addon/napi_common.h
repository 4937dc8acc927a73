// The only file that includes node-addon-api, so that its settings are the same everywhere. CMake
// sets the N-API version and disables C++ exceptions across N-API.

#ifndef AUTOCOG_ADDON_NAPI_COMMON_H_
#define AUTOCOG_ADDON_NAPI_COMMON_H_

#include <napi.h>

#endif  // AUTOCOG_ADDON_NAPI_COMMON_H_
