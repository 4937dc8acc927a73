// See sampler.h. Equivalent to llama.cpp's common_sampler_sample, but avoids passes over the vocabulary
// that are not needed.

#include "engine/generation/sampler.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <utility>

#include "engine/common/assertion.h"
#include "engine/common/log.h"
#include "engine/scoring/log_softmax.h"

namespace autocog {

namespace {

constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();
// Smaller logits cannot become infinite by any allowed penalty, bias or temperature.
constexpr float kMaxLogit = 1e30f;

// Descending by logit, ties by ascending id. A type instead of a function, so that sorts can inline it.
struct IsBefore {
  bool operator()(const llama_token_data& a, const llama_token_data& b) const {
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
  }
};

Status NonFiniteLogits() { return Status(Code::kDecodeFailed, "The model returned non-finite logits"); }

Status NoTokenLeft() { return Status(Code::kDecodeFailed, "No token is left to sample: all are forbidden"); }

}  // namespace

Result<std::unique_ptr<Sampler>> Sampler::Create(const Vocabulary& vocabulary, const SamplingOptions& options,
                                                 const Tokens& history) {
  if (Status status = CheckSamplingOptions(vocabulary, options); !status.ok()) return status;
  if (Status status = vocabulary.Check(history); !status.ok()) return status;
  AssertionGuard guard;
  LogCapture log;
  try {
    std::unique_ptr<Sampler> sampler(new Sampler(vocabulary));
    sampler->bias_ = options.bias;
    int32_t suppressed = 0;
    const llama_token* tokens = llama_vocab_get_suppress_tokens(vocabulary.raw(), &suppressed);
    for (int32_t i = 0; i < suppressed; ++i) {
      if (vocabulary.Contains(tokens[i])) sampler->bias_.push_back({tokens[i], kNegativeInfinity});
    }
    if (Status status = sampler->chain_.Build(vocabulary, options, history); !status.ok()) return status;
    if (!options.grammar.empty()) {
      auto grammar = GrammarConstraint::Create(vocabulary, options.grammar, options.grammar_root);
      if (!grammar.ok()) return grammar.status();
      sampler->grammar_ = std::move(grammar.value());
    }
    return sampler;
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory for the sampler");
  } catch (const GrammarTooAmbiguous& error) {
    return Status(Code::kOutOfMemory, error.what());
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The sampler could not be created", error.what());
  }
}

Result<llama_token> Sampler::Next(const float* row) {
  AssertionGuard guard;
  try {
    auto token = SampleToken(row);
    if (!token.ok()) return token.status();
    chain_.Accept(token.value());
    if (grammar_ && !vocabulary_.IsEndOfGeneration(token.value())) {
      if (Status status = grammar_->Accept(token.value()); !status.ok()) return status;
    }
    return token;
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "The sampler ran out of memory");
  } catch (const GrammarTooAmbiguous& error) {
    return Status(Code::kOutOfMemory, error.what());
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The sampler failed", error.what());
  }
}

Result<llama_token> Sampler::SampleToken(const float* row) {
  const auto size = static_cast<size_t>(vocabulary_.size());
  const size_t best = ArgMax(row, size);
  if (best == size) return NonFiniteLogits();
  const bool unmodified = bias_.empty() && !chain_.modifies_logits();
  if (chain_.is_greedy() && unmodified && !grammar_) return static_cast<llama_token>(best);
  // Larger logits could overflow while sampling, and no sound model outputs them.
  if (row[best] > kMaxLogit) return NonFiniteLogits();
  const float* logits = Modify(row);
  const size_t first = unmodified ? best : ArgMax(logits, size);
  if (first == size) return NoTokenLeft();
  if (!chain_.is_greedy()) return Sample(logits);
  const auto token = static_cast<llama_token>(first);
  return !grammar_ || grammar_->Allows(token) ? Result<llama_token>(token) : BestAllowed(logits);
}

const float* Sampler::Modify(const float* row) {
  if (bias_.empty() && !chain_.modifies_logits()) return row;
  modified_.assign(row, row + vocabulary_.size());
  for (const llama_logit_bias& bias : bias_) modified_[static_cast<size_t>(bias.token)] += bias.bias;
  if (chain_.modifies_logits()) chain_.ModifyLogits(modified_.data());
  return modified_.data();
}

void Sampler::Fill(const float* logits) {
  candidates_.resize(static_cast<size_t>(vocabulary_.size()));
  for (llama_token token = 0; token < vocabulary_.size(); ++token) {
    candidates_[static_cast<size_t>(token)] = {token, logits[token], 0};
  }
}

Result<llama_token> Sampler::BestAllowed(const float* logits) {
  llama_token best = LLAMA_TOKEN_NULL;
  for (const llama_token token : grammar_->AllAllowed()) {
    if (logits[token] == kNegativeInfinity) continue;
    const bool is_better = best == LLAMA_TOKEN_NULL || logits[token] > logits[best];
    if (is_better || (logits[token] == logits[best] && token < best)) best = token;
  }
  if (best == LLAMA_TOKEN_NULL) return NoTokenLeft();
  return best;
}

namespace {

// The token that a chain selected; kDecodeFailed if none, or one with probability 0.
Result<llama_token> Selected(const llama_token_data_array& candidates) {
  if (candidates.selected < 0 || static_cast<size_t>(candidates.selected) >= candidates.size) return NoTokenLeft();
  const llama_token_data& selected = candidates.data[candidates.selected];
  if (!std::isfinite(selected.logit)) return NoTokenLeft();
  return selected.id;
}

}  // namespace

Result<llama_token> Sampler::Sample(const float* logits) {
  Fill(logits);
  llama_token_data_array candidates{candidates_.data(), candidates_.size(), -1, false};
  chain_.Select(&candidates, /*skip_first=*/false);
  auto token = Selected(candidates);
  if (!grammar_ || (token.ok() && grammar_->Allows(token.value()))) return token;
  return ResampleAllowed(logits);
}

Result<llama_token> Sampler::ResampleAllowed(const float* logits) {
  const int top_k = chain_.first_top_k();
  if (top_k <= 0) return ResampleFromAll(logits);
  std::vector<llama_token_data> kept;
  for (const llama_token token : grammar_->AllAllowed()) {
    if (logits[token] > kNegativeInfinity) kept.push_back({token, logits[token], 0});
  }
  if (kept.empty()) return NoTokenLeft();
  // The k best allowed tokens.
  const size_t target = std::min(static_cast<size_t>(vocabulary_.size()), static_cast<size_t>(top_k));
  const auto end = kept.begin() + static_cast<std::ptrdiff_t>(std::min(target, kept.size()));
  std::partial_sort(kept.begin(), end, kept.end(), IsBefore());
  kept.erase(end, kept.end());
  // As in llama.cpp, pad with forbidden tokens, since some samplers depend on the number of candidates.
  for (size_t i = 0; kept.size() < target; ++i) kept.push_back({static_cast<llama_token>(i), kNegativeInfinity, 0});
  llama_token_data_array candidates{kept.data(), kept.size(), -1, true};
  chain_.Select(&candidates, /*skip_first=*/true);
  return Selected(candidates);
}

Result<llama_token> Sampler::ResampleFromAll(const float* logits) {
  Fill(logits);
  grammar_->Mask(candidates_.data(), candidates_.size());
  llama_token_data_array candidates{candidates_.data(), candidates_.size(), -1, false};
  if (std::none_of(candidates_.begin(), candidates_.end(),
                   [](const llama_token_data& each) { return each.logit > kNegativeInfinity; })) {
    return NoTokenLeft();
  }
  chain_.Select(&candidates, /*skip_first=*/false);
  return Selected(candidates);
}

}  // namespace autocog
