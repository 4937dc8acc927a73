// See reference_sampler.h.

#include "test/generation/reference_sampler.h"

#include <cmath>
#include <string>

namespace autocog::test {

namespace {

llama_sampler* ByName(const Vocabulary& vocabulary, const SamplingOptions& options, const std::string& name) {
  const auto min_keep = static_cast<size_t>(options.min_keep);
  if (name == "penalties") {
    return llama_sampler_init_penalties(vocabulary.size(), options.penalty_last_n, options.repeat_penalty,
                                        options.frequency_penalty, options.presence_penalty);
  }
  if (name == "dry") {
    std::vector<const char*> breakers;
    for (const std::string& breaker : options.dry_sequence_breakers) breakers.push_back(breaker.c_str());
    return llama_sampler_init_dry(vocabulary.raw(), options.dry_multiplier, options.dry_base,
                                  options.dry_allowed_length, options.dry_penalty_last_n, breakers.data(),
                                  breakers.size());
  }
  if (name == "topNSigma") return llama_sampler_init_top_n_sigma(options.top_n_sigma);
  if (name == "topK") return llama_sampler_init_top_k(options.top_k);
  if (name == "typicalP") return llama_sampler_init_typical(options.typical_p, min_keep);
  if (name == "topP") return llama_sampler_init_top_p(options.top_p, min_keep);
  if (name == "minP") return llama_sampler_init_min_p(options.min_p, min_keep);
  if (name == "xtc") {
    return llama_sampler_init_xtc(options.xtc_probability, options.xtc_threshold, min_keep, options.seed);
  }
  return llama_sampler_init_temp_ext(options.temperature, options.dynamic_temperature_range,
                                     options.dynamic_temperature_exponent);
}

}  // namespace

ReferenceSampler::ReferenceSampler(const Vocabulary& vocabulary, const SamplingOptions& options, const Tokens& history)
    : vocabulary_(vocabulary), chain_(llama_sampler_chain_init(llama_sampler_chain_default_params())) {
  if (!options.bias.empty()) {
    llama_sampler_chain_add(chain_,
                            llama_sampler_init_logit_bias(vocabulary.size(), static_cast<int32_t>(options.bias.size()),
                                                          options.bias.data()));
  }
  if (options.mirostat == 0) {
    for (const std::string& name : options.order) llama_sampler_chain_add(chain_, ByName(vocabulary, options, name));
    llama_sampler_chain_add(chain_, llama_sampler_init_dist(options.seed));
  } else {
    llama_sampler_chain_add(chain_, llama_sampler_init_temp(options.temperature));
    llama_sampler_chain_add(
        chain_, options.mirostat == 1
                    ? llama_sampler_init_mirostat(vocabulary.size(), options.seed, options.mirostat_tau,
                                                  options.mirostat_eta, 100)
                    : llama_sampler_init_mirostat_v2(options.seed, options.mirostat_tau, options.mirostat_eta));
  }
  for (llama_token token : history) llama_sampler_accept(chain_, token);
  if (!options.grammar.empty()) {
    grammar_ = llama_sampler_init_grammar(vocabulary.raw(), options.grammar.c_str(), options.grammar_root.c_str());
  }
}

ReferenceSampler::~ReferenceSampler() {
  llama_sampler_free(chain_);
  llama_sampler_free(grammar_);
}

bool ReferenceSampler::Allows(llama_token token) {
  if (grammar_ == nullptr) return true;
  llama_token_data one{token, 1, 0};
  llama_token_data_array array{&one, 1, -1, false};
  llama_sampler_apply(grammar_, &array);
  return one.logit != -INFINITY;
}

llama_token ReferenceSampler::Sample(const float* row, bool grammar_first) {
  std::vector<llama_token_data> all;
  for (llama_token token = 0; token < vocabulary_.size(); ++token) all.push_back({token, row[token], 0});
  llama_token_data_array candidates{all.data(), all.size(), -1, false};
  if (grammar_first) llama_sampler_apply(grammar_, &candidates);
  llama_sampler_apply(chain_, &candidates);
  return candidates.data[candidates.selected].id;
}

llama_token ReferenceSampler::Next(const float* row) {
  llama_token token = Sample(row, false);
  if (!Allows(token)) token = Sample(row, true);
  llama_sampler_accept(chain_, token);
  if (grammar_ != nullptr && !vocabulary_.IsEndOfGeneration(token)) llama_sampler_accept(grammar_, token);
  return token;
}

}  // namespace autocog::test
