// Selection of the most probable tokens in a row of logits. Pure.

#ifndef AUTOCOG_ENGINE_SCORING_BEST_TOKENS_H_
#define AUTOCOG_ENGINE_SCORING_BEST_TOKENS_H_

#include <cstddef>

#include "engine/model/vocabulary.h"

namespace autocog {

// Sets `tokens` to the `count` tokens (all if there are fewer) with the greatest of `size` logits, in
// descending order, ties by ascending id. Reuses the vector's memory.
void FindBestTokens(const float* row, size_t size, size_t count, Tokens* tokens);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_BEST_TOKENS_H_
