// Greedy decoding in one job: tokens until an end, a stop string or a limit.

#ifndef AUTOCOG_ENGINE_GENERATOR_H_
#define AUTOCOG_ENGINE_GENERATOR_H_

#include <string>
#include <vector>

#include "engine/cancellation.h"
#include "engine/context.h"
#include "engine/prefix_cache.h"
#include "engine/status.h"
#include "engine/usage.h"
#include "engine/vocabulary.h"

namespace autocog {

enum class StopReason { kEndOfGeneration, kStopString, kLength };

struct Generation {
  Tokens tokens;                 // all, those of a stop string included; no end token
  std::vector<double> logprobs;  // of each
  std::string text;              // bytes, up to the stop string
  StopReason reason = StopReason::kLength;
  Usage usage;
};

// Ends with kLength when the context is full, too. Ties go to the lowest token id.
// REQUIRES: a checked prompt that fits the context, stops without empty strings.
Result<Generation> GenerateGreedy(Context* context, PrefixCache* cache, const Tokens& prompt, int max_tokens,
                                  const std::vector<std::string>& stops, const Cancellation& cancellation);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATOR_H_
