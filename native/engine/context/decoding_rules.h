// Architectures whose implementation in llama.cpp gives wrong results for some batches, and what to do
// about it. `npm run test:oracles` compares every architecture with brute force.

#ifndef AUTOCOG_ENGINE_CONTEXT_DECODING_RULES_H_
#define AUTOCOG_ENGINE_CONTEXT_DECODING_RULES_H_

#include "engine/model/model.h"

namespace autocog {

struct DecodingRules {
  // Request the rows of all tokens: it returns those of the batch's first tokens, whichever are requested.
  bool all_rows = false;
  // Decode the sequences of a batch one after the other: it mixes them up.
  bool one_sequence = false;
  // The range of image tokens to suppress: it does so only in the first row of a batch.
  int suppressed_from = 0;
  int suppressed_to = 0;
};

DecodingRules DecodingRulesOf(const ModelInfo& info);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_DECODING_RULES_H_
