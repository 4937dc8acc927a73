// Samplers of our own, for what llama.cpp's turn into NaN. Each goes into a chain like theirs.

#ifndef AUTOCOG_ENGINE_GENERATION_OWN_SAMPLERS_H_
#define AUTOCOG_ENGINE_GENERATION_OWN_SAMPLERS_H_

#include "llama.h"

namespace autocog {

// The temperature as it grows beyond bounds: whatever is possible becomes equally likely.
llama_sampler* NewUniformSampler();

// Takes the greatest logit from all of them, so that no small temperature makes one infinite.
llama_sampler* NewShiftSampler();

// Removes what has no probability: mirostat and typical sampling take logarithms of it.
llama_sampler* NewDropImpossibleSampler();

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_OWN_SAMPLERS_H_
