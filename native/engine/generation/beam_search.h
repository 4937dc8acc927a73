// Beam search: the likeliest whole texts rather than the likeliest token each time. Beams are
// branches that share the cells of their common beginnings.

#ifndef AUTOCOG_ENGINE_GENERATION_BEAM_SEARCH_H_
#define AUTOCOG_ENGINE_GENERATION_BEAM_SEARCH_H_

#include <string>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/generation/generated_text.h"

namespace autocog {

// When to stop, once there are as many ended texts as beams.
enum class EarlyStopping {
  kYes,    // at once
  kNo,     // when the best open beam would, ended here, be no better than the worst of them
  kNever,  // when it could not become better at any length up to the limit
};

struct BeamOptions {
  int beams = 4;
  int sequences = 1;  // texts to give, at most `beams`
  int max_tokens = 128;
  double length_penalty = 1;  // a text's score is its log-probability / length^length_penalty
  EarlyStopping early_stopping = EarlyStopping::kNo;
  std::vector<std::string> stops;
};

struct Beam {
  Tokens tokens;  // those of a stop string included; no end token
  std::vector<double> logprobs;
  double end_logprob = 0;  // of the end token, where one ended it
  double score = 0;
  std::string text;  // up to the stop string
  StopReason reason = StopReason::kLength;
  int stop = -1;
};

struct Beams {
  std::vector<Beam> beams;  // best first
  Usage usage;
};

// REQUIRES: a checked prompt that fits the context.
Result<Beams> SearchBeams(Context* context, PrefixCache* cache, const Tokens& prompt, const BeamOptions& options,
                          const Cancellation& cancellation);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_BEAM_SEARCH_H_
