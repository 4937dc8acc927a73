// How the next token is sampled. Plain values. The defaults are llama.cpp's, except for the temperature,
// which defaults to greedy sampling.

#ifndef AUTOCOG_ENGINE_GENERATION_SAMPLING_OPTIONS_H_
#define AUTOCOG_ENGINE_GENERATION_SAMPLING_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/common/status.h"
#include "engine/model/vocabulary.h"
#include "llama.h"

namespace autocog {

struct SamplingOptions {
  float temperature = 0;  // 0: greedy; infinite: uniform over the remaining tokens
  int top_k = 40;         // 0 or less: all
  float top_p = 0.95f;
  float min_p = 0.05f;
  float typical_p = 1;
  float top_n_sigma = -1;               // 0 or less: off
  float dynamic_temperature_range = 0;  // 0: off
  float dynamic_temperature_exponent = 1;
  int penalty_last_n = 64;  // 0: off; -1: the context
  float repeat_penalty = 1;
  float frequency_penalty = 0;
  float presence_penalty = 0;
  float dry_multiplier = 0;  // 0: off
  float dry_base = 1.75f;
  int dry_allowed_length = 2;
  int dry_penalty_last_n = 64;  // 0: off; -1: the context
  std::vector<std::string> dry_sequence_breakers = {"\n", ":", "\"", "*"};
  float xtc_probability = 0;
  float xtc_threshold = 0.1f;
  int mirostat = 0;  // 1 or 2: that version, instead of the chain
  float mirostat_tau = 5;
  float mirostat_eta = 0.1f;
  int min_keep = 0;
  std::vector<llama_logit_bias> bias;  // -inf forbids a token
  // The samplers to run, in order; others are disabled.
  std::vector<std::string> order = {"penalties", "dry",  "topNSigma", "topK",       "typicalP",
                                    "topP",      "minP", "xtc",       "temperature"};
  uint32_t seed = 0;    // 2^32 - 1 is treated as 2^32 - 2, since to llama.cpp it means a random seed
  std::string grammar;  // GBNF; empty for none
  std::string grammar_root = "root";
  // The maximum window of penalties and DRY; 0: the length of the history plus 65,536 tokens.
  int context_size = 0;
};

// kOutOfRange or kInvalidArgument for the first option that is invalid or could make a logit infinite:
// that could lead to NaN, and llama.cpp sorts logits.
Status CheckSamplingOptions(const Vocabulary& vocabulary, const SamplingOptions& options);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_SAMPLING_OPTIONS_H_
