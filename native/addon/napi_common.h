// The one place that includes node-addon-api, so that its settings are the same everywhere.
// N-API version and the absence of C++ exceptions across it are set by CMake.

#ifndef AUTOCOG_ADDON_NAPI_COMMON_H_
#define AUTOCOG_ADDON_NAPI_COMMON_H_

#include <napi.h>

#endif  // AUTOCOG_ADDON_NAPI_COMMON_H_
