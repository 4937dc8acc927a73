// A row of llama.cpp's samplers as sampling options ask for them. Those that are switched off are
// left out, and those that reshape logits are kept apart from those that choose among them.

#ifndef AUTOCOG_ENGINE_GENERATION_SAMPLER_CHAIN_H_
#define AUTOCOG_ENGINE_GENERATION_SAMPLER_CHAIN_H_

#include <memory>
#include <vector>

#include "engine/common/status.h"
#include "engine/generation/sampling_options.h"
#include "engine/model/vocabulary.h"
#include "llama.h"

namespace autocog {

class SamplerChain {
 public:
  // REQUIRES: options that passed CheckSamplingOptions, a checked history. kNotSupported for DRY
  // without a tokenizer.
  Status Build(const Vocabulary& vocabulary, const SamplingOptions& options, const Tokens& history);

  // Whether the pick is the greatest logit after Reshape, whatever else is in the chain.
  bool is_greedy() const { return greedy_; }
  bool reshapes() const { return reshaping_ > 0; }
  // How many candidates the first sampler after Reshape leaves; 0 if it is another than top-k.
  int first_top_k() const { return first_top_k_; }

  // Penalties and DRY, where they come first, on logits of the whole vocabulary.
  void Reshape(float* logits);
  // What comes after Reshape; from the second on, where the caller did the first's work.
  // REQUIRES: at least one logit above -inf, none NaN or +inf.
  void Choose(llama_token_data_array* candidates, bool skip_first);
  // Takes note of a token.
  void Accept(llama_token token);

 private:
  struct Free {
    void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
  };
  using Pointer = std::unique_ptr<llama_sampler, Free>;

  void Add(llama_sampler* sampler) { samplers_.emplace_back(sampler); }
  Status AddByName(const Vocabulary& vocabulary, const SamplingOptions& options, const std::string& name);
  void AddTemperature(const SamplingOptions& options, bool dynamic);
  void AddMirostat(const Vocabulary& vocabulary, const SamplingOptions& options);
  int Window(int last_n) const;

  std::vector<Pointer> samplers_;
  // So many of them come before all that choose.
  size_t reshaping_ = 0;
  bool greedy_ = false;
  int first_top_k_ = 0;
  // What was seen, for the tokens that reshaping can touch: only the last so many.
  Tokens recent_;
  int limit_ = 0;
  int window_ = 0;
  std::vector<llama_token_data> touched_;
  std::vector<uint32_t> stamps_;
  uint32_t stamp_ = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_SAMPLER_CHAIN_H_
