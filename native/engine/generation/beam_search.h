// Beam search: the most probable whole completions, instead of the most probable token at each step.
// Beams are branches that share the KV cells of their common prefixes.

#ifndef AUTOCOG_ENGINE_GENERATION_BEAM_SEARCH_H_
#define AUTOCOG_ENGINE_GENERATION_BEAM_SEARCH_H_

#include <string>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/generation/generation_state.h"

namespace autocog {

// When to stop, once as many beams as requested have finished.
enum class EarlyStopping {
  kYes,    // immediately
  kNo,     // when the best open beam, if it ended now, would not beat the worst finished one
  kNever,  // when it could not beat that at any length up to the limit
};

struct BeamOptions {
  int beams = 4;
  int sequences = 1;  // number of results, at most `beams`
  int max_tokens = 128;
  double length_penalty = 1;  // score = log-probability / length^length_penalty
  EarlyStopping early_stopping = EarlyStopping::kNo;
  std::vector<std::string> stops;
  bool begins_text = false;  // as in GenerationOptions
};

struct Beam {
  Tokens tokens;  // including those of a stop string, excluding the end token
  std::vector<double> logprobs;
  double end_logprob = 0;  // of the end token, if one ended the beam
  double score = 0;
  std::string text;  // up to the stop string, exclusive
  StopReason reason = StopReason::kLength;
  int stop = -1;
};

struct Beams {
  std::vector<Beam> beams;  // best first
  Usage usage;
};

// REQUIRES: a validated prompt that fits the context.
Result<Beams> SearchBeams(Context* context, PrefixCache* cache, const Tokens& prompt, const BeamOptions& options,
                          const Cancellation& cancellation);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_BEAM_SEARCH_H_
