// See sampler_chain.h. Order and arguments are those of common_sampler_init in llama.cpp's
// common/sampling.cpp.

#include "engine/generation/sampler_chain.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/generation/custom_samplers.h"

namespace autocog {

namespace {

// The number of tokens after the history that are assumed if the context size is unknown.
constexpr int kDefaultContext = 65536;
// Dividing logits by a lower temperature could overflow.
constexpr float kMinTemperature = 1e-3f;
// The parameter m of mirostat 1, as in llama.cpp.
constexpr int kMirostatCandidates = 100;

bool HasPenalties(const SamplingOptions& options) {
  return options.penalty_last_n != 0 &&
         (options.repeat_penalty != 1 || options.frequency_penalty != 0 || options.presence_penalty != 0);
}

bool IsActive(const SamplingOptions& options, const std::string& name) {
  if (name == "penalties") return HasPenalties(options);
  if (name == "dry") return options.dry_multiplier > 0 && options.dry_penalty_last_n != 0;
  if (name == "topNSigma") return options.top_n_sigma > 0;
  if (name == "topK") return options.top_k > 0;
  if (name == "typicalP") return options.typical_p < 1;
  if (name == "topP") return options.top_p < 1;
  if (name == "minP") return options.min_p > 0;
  if (name == "xtc") return options.xtc_probability > 0 && options.xtc_threshold <= 0.5f;
  return true;
}

bool ModifiesLogits(const std::string& name) { return name == "penalties" || name == "dry"; }

// Whether the chain always selects the maximum logit after its first `modifiers` samplers. Temperature 0
// leaves only the maximum, and all but a few samplers before it keep the maximum.
bool IsGreedy(const SamplingOptions& options, const std::vector<std::string>& active, size_t modifiers) {
  if (options.temperature > 0) return false;
  if (options.mirostat != 0) return true;
  if (options.dynamic_temperature_range > 0) return false;
  const auto temperature = std::find(active.begin(), active.end(), "temperature");
  if (temperature == active.end()) return false;
  return std::none_of(
      active.begin() + static_cast<std::ptrdiff_t>(modifiers), temperature,
      [](const std::string& name) { return ModifiesLogits(name) || name == "xtc" || name == "typicalP"; });
}

}  // namespace

Status SamplerChain::Build(const Vocabulary& vocabulary, const SamplingOptions& requested, const Tokens& history) {
  SamplingOptions options = requested;
  if (options.seed == LLAMA_DEFAULT_SEED) --options.seed;
  limit_ = options.context_size > 0 ? options.context_size : static_cast<int>(history.size()) + kDefaultContext;
  std::vector<std::string> active;
  if (options.mirostat == 0) {
    std::copy_if(options.order.begin(), options.order.end(), std::back_inserter(active),
                 [&](const std::string& name) { return IsActive(options, name); });
  }
  while (modifiers_ < active.size() && ModifiesLogits(active[modifiers_])) ++modifiers_;
  greedy_ = IsGreedy(options, active, modifiers_);
  if (greedy_) active.resize(modifiers_);
  for (const std::string& name : active) {
    if (Status status = AddByName(vocabulary, options, name); !status.ok()) return status;
  }
  if (active.size() > modifiers_ && active[modifiers_] == "topK") first_top_k_ = options.top_k;
  if (!greedy_ && options.mirostat == 0) Add(llama_sampler_init_dist(options.seed));
  if (!greedy_ && options.mirostat != 0) AddMirostat(vocabulary, options);
  if (modifiers_ > 0) stamps_.assign(static_cast<size_t>(vocabulary.size()), 0);
  const auto seen = std::min<size_t>(history.size(), static_cast<size_t>(window_));
  std::for_each(history.end() - static_cast<std::ptrdiff_t>(seen), history.end(),
                [this](llama_token token) { Accept(token); });
  return Status::Ok();
}

int SamplerChain::Window(int last_n) const { return last_n < 0 ? limit_ : std::min(last_n, limit_); }

Status SamplerChain::AddByName(const Vocabulary& vocabulary, const SamplingOptions& options, const std::string& name) {
  const auto min_keep = static_cast<size_t>(options.min_keep);
  if (name == "penalties") {
    const int window = Window(options.penalty_last_n);
    window_ = std::max(window_, window);
    Add(llama_sampler_init_penalties(vocabulary.size(), window, options.repeat_penalty, options.frequency_penalty,
                                     options.presence_penalty));
  } else if (name == "dry") {
    if (llama_vocab_type(vocabulary.raw()) == LLAMA_VOCAB_TYPE_NONE) {
      return Status(Code::kNotSupported, "This model has no tokenizer, so DRY cannot find its sequence breakers");
    }
    std::vector<const char*> breakers;
    for (const std::string& breaker : options.dry_sequence_breakers) breakers.push_back(breaker.c_str());
    const int window = Window(options.dry_penalty_last_n);
    window_ = std::max(window_, window);
    Add(llama_sampler_init_dry(vocabulary.raw(), options.dry_multiplier, options.dry_base, options.dry_allowed_length,
                               window, breakers.data(), breakers.size()));
  } else if (name == "topNSigma") {
    Add(llama_sampler_init_top_n_sigma(options.top_n_sigma));
  } else if (name == "topK") {
    Add(llama_sampler_init_top_k(options.top_k));
  } else if (name == "typicalP") {
    Add(NewDropZeroSampler());
    Add(llama_sampler_init_typical(options.typical_p, min_keep));
  } else if (name == "topP") {
    Add(llama_sampler_init_top_p(options.top_p, min_keep));
  } else if (name == "minP") {
    Add(llama_sampler_init_min_p(options.min_p, min_keep));
  } else if (name == "xtc") {
    Add(llama_sampler_init_xtc(options.xtc_probability, options.xtc_threshold, min_keep, options.seed));
  } else {
    AddTemperature(options, /*dynamic=*/true);
  }
  return Status::Ok();
}

void SamplerChain::AddTemperature(const SamplingOptions& options, bool dynamic) {
  if (std::isinf(options.temperature)) {
    Add(NewUniformSampler());
    return;
  }
  const float range = dynamic ? options.dynamic_temperature_range : 0;
  if (options.temperature - range < kMinTemperature) Add(NewShiftSampler());
  Add(dynamic ? llama_sampler_init_temp_ext(options.temperature, range, options.dynamic_temperature_exponent)
              : llama_sampler_init_temp(options.temperature));
}

void SamplerChain::AddMirostat(const Vocabulary& vocabulary, const SamplingOptions& options) {
  AddTemperature(options, /*dynamic=*/false);
  Add(NewDropZeroSampler());
  if (options.mirostat == 1) {
    Add(llama_sampler_init_mirostat(vocabulary.size(), options.seed, options.mirostat_tau, options.mirostat_eta,
                                    kMirostatCandidates));
  } else {
    Add(llama_sampler_init_mirostat_v2(options.seed, options.mirostat_tau, options.mirostat_eta));
  }
}

void SamplerChain::ModifyLogits(float* logits) {
  // Only recent tokens can change. llama.cpp looks up each candidate in a hash table, which for the whole
  // vocabulary would cost more than all other samplers, so pass it only the recent tokens.
  changed_.clear();
  if (++stamp_ == 0) {
    std::fill(stamps_.begin(), stamps_.end(), 0);
    stamp_ = 1;
  }
  const size_t first = recent_.size() - std::min(recent_.size(), static_cast<size_t>(window_));
  for (size_t i = first; i < recent_.size(); ++i) {
    const llama_token token = recent_[i];
    if (stamps_[static_cast<size_t>(token)] == stamp_) continue;
    stamps_[static_cast<size_t>(token)] = stamp_;
    changed_.push_back({token, logits[token], 0});
  }
  llama_token_data_array changed{changed_.data(), changed_.size(), -1, false};
  for (size_t i = 0; i < modifiers_; ++i) llama_sampler_apply(samplers_[i].get(), &changed);
  for (const llama_token_data& each : changed_) logits[each.id] = each.logit;
}

void SamplerChain::Select(llama_token_data_array* candidates, bool skip_first) {
  for (size_t i = modifiers_ + (skip_first ? 1 : 0); i < samplers_.size(); ++i) {
    llama_sampler_apply(samplers_[i].get(), candidates);
  }
}

void SamplerChain::Accept(llama_token token) {
  for (const Pointer& sampler : samplers_) llama_sampler_accept(sampler.get(), token);
  if (modifiers_ == 0) return;
  const auto window = static_cast<size_t>(window_);
  // Discard old tokens in bulk, so that the amortized cost per token is constant.
  if (recent_.size() >= 2 * window + 64)
    recent_.erase(recent_.begin(), recent_.end() - static_cast<std::ptrdiff_t>(window));
  recent_.push_back(token);
}

}  // namespace autocog
