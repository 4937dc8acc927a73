// Converts sampling options from JavaScript to the engine's struct.

#ifndef AUTOCOG_ADDON_VALUES_SAMPLING_H_
#define AUTOCOG_ADDON_VALUES_SAMPLING_H_

#include "addon/napi_common.h"
#include "engine/generation/sampling_options.h"

namespace autocog {

// Reads a NativeSampling. The engine validates the values.
SamplingOptions ReadSampling(const Napi::Object& object);

}  // namespace autocog

#endif  // AUTOCOG_ADDON_VALUES_SAMPLING_H_
