// Custom samplers for inputs that llama.cpp's samplers turn into NaN. They are used in a chain with those.

#ifndef AUTOCOG_ENGINE_GENERATION_CUSTOM_SAMPLERS_H_
#define AUTOCOG_ENGINE_GENERATION_CUSTOM_SAMPLERS_H_

#include "llama.h"

namespace autocog {

// The limit of an infinite temperature: all tokens with a finite logit become equally probable.
llama_sampler* NewUniformSampler();

// Subtracts the maximum logit from all logits, so that dividing by a small temperature cannot overflow.
llama_sampler* NewShiftSampler();

// Removes tokens with probability 0, of which mirostat and typical sampling would take the logarithm.
llama_sampler* NewDropZeroSampler();

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_CUSTOM_SAMPLERS_H_
