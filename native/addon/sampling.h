#pragma once
#include "addon/napi_common.h"
#include "engine/sampler.h"
namespace autocog {
inline SamplingOptions ReadSampling(const Napi::Object&) { return {}; }
}  // namespace autocog
