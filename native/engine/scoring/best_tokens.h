// The likeliest few of a row of logits. Pure.

#ifndef AUTOCOG_ENGINE_SCORING_BEST_TOKENS_H_
#define AUTOCOG_ENGINE_SCORING_BEST_TOKENS_H_

#include <cstddef>

#include "engine/model/vocabulary.h"

namespace autocog {

// Makes `tokens` the `count` tokens with the greatest of `size` logits, or all if there are
// fewer: greatest first, the lower id first of equals. Its memory is used again.
void FindBestTokens(const float* row, size_t size, size_t count, Tokens* tokens);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_BEST_TOKENS_H_
