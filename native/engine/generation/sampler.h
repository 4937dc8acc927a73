// Samples the next token from a row of logits, with llama.cpp's samplers in the same order as
// llama-server, so that equal seeds give equal completions. Used by GenerationState on the session's
// thread.

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
  // `history`: the prompt, which penalties and DRY take into account. kInvalidArgument or kOutOfRange for
  // invalid options or an invalid grammar, kNotSupported if the options require text and the vocabulary
  // has none. The vocabulary must outlive this.
  static Result<std::unique_ptr<Sampler>> Create(const Vocabulary& vocabulary, const SamplingOptions& options,
                                                 const Tokens& history);

  // Samples the next token from logits of the whole vocabulary and adds it to the history. kDecodeFailed
  // if the row has non-finite logits or no token is left; the sampler must not be used afterwards.
  // End-of-generation tokens are not passed to the grammar.
  Result<llama_token> Next(const float* row);

 private:
  explicit Sampler(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  Result<llama_token> SampleToken(const float* row);
  // The row after biases, penalties and DRY; `row` itself if none is enabled.
  const float* Modify(const float* row);
  // The most probable token that the grammar allows.
  Result<llama_token> BestAllowed(const float* logits);
  Result<llama_token> Sample(const float* logits);
  // Run the chain again, on the tokens that the grammar allows.
  Result<llama_token> ResampleAllowed(const float* logits);
  Result<llama_token> ResampleFromAll(const float* logits);
  void Fill(const float* logits);

  const Vocabulary& vocabulary_;
  std::vector<llama_logit_bias> bias_;
  SamplerChain chain_;
  std::unique_ptr<GrammarConstraint> grammar_;
  // Reused across calls, since they have the size of the vocabulary.
  std::vector<float> modified_;
  std::vector<llama_token_data> candidates_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_SAMPLER_H_
