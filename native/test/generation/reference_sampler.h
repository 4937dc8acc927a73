// A slow but simple reference implementation of llama.cpp's sampling, on its public API and always over
// the whole vocabulary: equivalent to common_sampler_init and common_sampler_sample of its
// common/sampling.cpp.

#ifndef AUTOCOG_TEST_GENERATION_REFERENCE_SAMPLER_H_
#define AUTOCOG_TEST_GENERATION_REFERENCE_SAMPLER_H_

#include <vector>

#include "engine/generation/sampling_options.h"
#include "llama.h"

namespace autocog::test {

class ReferenceSampler {
 public:
  ReferenceSampler(const Vocabulary& vocabulary, const SamplingOptions& options, const Tokens& history);
  ~ReferenceSampler();
  ReferenceSampler(const ReferenceSampler&) = delete;
  ReferenceSampler& operator=(const ReferenceSampler&) = delete;

  llama_token Next(const float* row);
  // Whether the grammar allows the token next.
  bool Allows(llama_token token);

 private:
  llama_token Sample(const float* row, bool grammar_first);

  const Vocabulary& vocabulary_;
  llama_sampler* chain_;
  llama_sampler* grammar_ = nullptr;
};

}  // namespace autocog::test

#endif  // AUTOCOG_TEST_GENERATION_REFERENCE_SAMPLER_H_
