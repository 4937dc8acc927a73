// Picks the next token off a row of logits: llama.cpp's samplers in the order that its server runs
// them, so that one seed gives one text in both. Used by the generator on the session's thread.

#ifndef AUTOCOG_ENGINE_GENERATION_SAMPLER_H_
#define AUTOCOG_ENGINE_GENERATION_SAMPLER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/common/status.h"
#include "engine/generation/sampler_chain.h"
#include "engine/generation/sampling_options.h"
#include "engine/grammar/grammar_constraint.h"
#include "engine/model/vocabulary.h"

namespace autocog {

class Sampler {
 public:
  // `history`: the prompt, which penalties and DRY look back on. kInvalidArgument or kOutOfRange
  // for bad options or a bad grammar, kNotSupported where the vocabulary has no text and the
  // options need it. The vocabulary must outlive this.
  static Result<std::unique_ptr<Sampler>> Create(const Vocabulary& vocabulary, const SamplingOptions& options,
                                                 const Tokens& history);

  // Picks the next token from logits of the whole vocabulary and takes note of it. kDecodeFailed
  // where the row is no distribution or nothing is left to pick; the sampler is then of no more
  // use. An end-of-generation token is picked but not noted by the grammar.
  Result<llama_token> Next(const float* row);

 private:
  explicit Sampler(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  Result<llama_token> Pick(const float* row);
  // The row after biases, penalties and DRY; `row` itself where none is asked for.
  const float* Reshape(const float* row);
  // The likeliest token that the grammar allows.
  Result<llama_token> PickBestAllowed(const float* logits);
  Result<llama_token> PickBySampling(const float* logits);
  // The chain once more, on what the grammar allows.
  Result<llama_token> PickAgain(const float* logits);
  Result<llama_token> PickAgainFromAll(const float* logits);
  void Fill(const float* logits);

  const Vocabulary& vocabulary_;
  std::vector<llama_logit_bias> bias_;
  SamplerChain chain_;
  std::unique_ptr<GrammarConstraint> grammar_;
  // Kept from token to token, since they have the size of the vocabulary.
  std::vector<float> reshaped_;
  std::vector<llama_token_data> candidates_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_SAMPLER_H_
