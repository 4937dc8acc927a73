// Sampling options across the border.

#ifndef AUTOCOG_ADDON_VALUES_SAMPLING_H_
#define AUTOCOG_ADDON_VALUES_SAMPLING_H_

#include "addon/napi_common.h"
#include "engine/generation/sampling_options.h"

namespace autocog {

// A NativeSampling. Whether the values are good for anything is the engine's to say.
SamplingOptions ReadSampling(const Napi::Object& object);

}  // namespace autocog

#endif  // AUTOCOG_ADDON_VALUES_SAMPLING_H_
