// A chain of llama.cpp's samplers, built from sampling options. Disabled samplers are omitted, and the
// leading ones that modify logits (penalties, DRY) are separate from those that select tokens.

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
  // kNotSupported for DRY without a tokenizer. REQUIRES: options that passed CheckSamplingOptions, a
  // validated history.
  Status Build(const Vocabulary& vocabulary, const SamplingOptions& options, const Tokens& history);

  // Whether the chain always selects the maximum logit after ModifyLogits().
  bool is_greedy() const { return greedy_; }
  bool modifies_logits() const { return modifiers_ > 0; }
  // The k of top-k, if it is the first sampler after ModifyLogits(); else 0.
  int first_top_k() const { return first_top_k_; }

  // Applies penalties and DRY, if they come first, to logits of the whole vocabulary.
  void ModifyLogits(float* logits);
  // Applies the other samplers; with `skip_first` without the first one, whose work the caller has done.
  // REQUIRES: at least one logit above -inf, none NaN or +inf.
  void Select(llama_token_data_array* candidates, bool skip_first);
  // Adds a token to the history.
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
  // The number of leading samplers that modify logits.
  size_t modifiers_ = 0;
  bool greedy_ = false;
  int first_top_k_ = 0;
  // The tokens that ModifyLogits() can change are the last `window_` of these.
  Tokens recent_;
  int limit_ = 0;  // of any window: the context size
  int window_ = 0;
  std::vector<llama_token_data> changed_;  // reused across calls
  std::vector<uint32_t> stamps_;           // per token: the last ModifyLogits() call that saw it
  uint32_t stamp_ = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_SAMPLER_CHAIN_H_
