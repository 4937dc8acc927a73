// See sampler.h. What llama.cpp does in common_sampler_sample, without a pass over the vocabulary
// where none is needed.

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

constexpr float kImpossible = -std::numeric_limits<float>::infinity();
// No penalty, bias or temperature within its limits makes an infinity of less.
constexpr float kGreatestLogit = 1e30f;
// Descending, the lower id first of equals. A type, so that sorts can inline it.
struct IsBefore {
  bool operator()(const llama_token_data& a, const llama_token_data& b) const {
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
  }
};

Status NoDistribution() { return Status(Code::kDecodeFailed, "The model gave logits that are not finite"); }

Status NothingLeft() { return Status(Code::kDecodeFailed, "Nothing is left to pick: no token is allowed"); }

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
      if (vocabulary.Contains(tokens[i])) sampler->bias_.push_back({tokens[i], kImpossible});
    }
    if (Status status = sampler->chain_.Build(vocabulary, options, history); !status.ok()) return status;
    if (!options.grammar.empty()) {
      auto grammar = GrammarConstraint::Create(vocabulary, options.grammar, options.grammar_root);
      if (!grammar.ok()) return grammar.status();
      sampler->grammar_ = std::move(grammar.value());
    }
    return sampler;
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "The sampler does not fit into memory");
  } catch (const GrammarTooAmbiguous& error) {
    return Status(Code::kOutOfMemory, error.what());
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The sampler could not be made", error.what());
  }
}

Result<llama_token> Sampler::Next(const float* row) {
  AssertionGuard guard;
  try {
    auto token = Pick(row);
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

Result<llama_token> Sampler::Pick(const float* row) {
  const auto size = static_cast<size_t>(vocabulary_.size());
  const size_t best = ArgMax(row, size);
  if (best == size) return NoDistribution();
  const bool as_it_is = bias_.empty() && !chain_.reshapes();
  if (chain_.is_greedy() && as_it_is && !grammar_) return static_cast<llama_token>(best);
  // One that sampling could make infinite is none of a model that works.
  if (row[best] > kGreatestLogit) return NoDistribution();
  const float* logits = Reshape(row);
  const size_t first = as_it_is ? best : ArgMax(logits, size);
  if (first == size) return NothingLeft();
  if (!chain_.is_greedy()) return PickBySampling(logits);
  const auto token = static_cast<llama_token>(first);
  return !grammar_ || grammar_->Allows(token) ? Result<llama_token>(token) : PickBestAllowed(logits);
}

const float* Sampler::Reshape(const float* row) {
  if (bias_.empty() && !chain_.reshapes()) return row;
  reshaped_.assign(row, row + vocabulary_.size());
  for (const llama_logit_bias& bias : bias_) reshaped_[static_cast<size_t>(bias.token)] += bias.bias;
  if (chain_.reshapes()) chain_.Reshape(reshaped_.data());
  return reshaped_.data();
}

void Sampler::Fill(const float* logits) {
  candidates_.resize(static_cast<size_t>(vocabulary_.size()));
  for (llama_token token = 0; token < vocabulary_.size(); ++token) {
    candidates_[static_cast<size_t>(token)] = {token, logits[token], 0};
  }
}

Result<llama_token> Sampler::PickBestAllowed(const float* logits) {
  llama_token best = LLAMA_TOKEN_NULL;
  for (const llama_token token : grammar_->AllAllowed()) {
    if (logits[token] == kImpossible) continue;
    const bool is_better = best == LLAMA_TOKEN_NULL || logits[token] > logits[best];
    if (is_better || (logits[token] == logits[best] && token < best)) best = token;
  }
  if (best == LLAMA_TOKEN_NULL) return NothingLeft();
  return best;
}

namespace {

// kDecodeFailed where a chain picked nothing, or something impossible.
Result<llama_token> Selected(const llama_token_data_array& candidates) {
  if (candidates.selected < 0 || static_cast<size_t>(candidates.selected) >= candidates.size) return NothingLeft();
  const llama_token_data& picked = candidates.data[candidates.selected];
  if (!std::isfinite(picked.logit)) return NothingLeft();
  return picked.id;
}

}  // namespace

Result<llama_token> Sampler::PickBySampling(const float* logits) {
  Fill(logits);
  llama_token_data_array candidates{candidates_.data(), candidates_.size(), -1, false};
  chain_.Choose(&candidates, /*skip_first=*/false);
  auto token = Selected(candidates);
  if (!grammar_ || (token.ok() && grammar_->Allows(token.value()))) return token;
  return PickAgain(logits);
}

Result<llama_token> Sampler::PickAgain(const float* logits) {
  const int top_k = chain_.first_top_k();
  if (top_k <= 0) return PickAgainFromAll(logits);
  std::vector<llama_token_data> kept;
  for (const llama_token token : grammar_->AllAllowed()) {
    if (logits[token] > kImpossible) kept.push_back({token, logits[token], 0});
  }
  if (kept.empty()) return NothingLeft();
  // The k best of what is allowed.
  const size_t wanted = std::min(static_cast<size_t>(vocabulary_.size()), static_cast<size_t>(top_k));
  const auto end = kept.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, kept.size()));
  std::partial_sort(kept.begin(), end, kept.end(), IsBefore());
  kept.erase(end, kept.end());
  // llama.cpp fills up with what is forbidden, and some samplers count their candidates.
  for (size_t i = 0; kept.size() < wanted; ++i) kept.push_back({static_cast<llama_token>(i), kImpossible, 0});
  llama_token_data_array candidates{kept.data(), kept.size(), -1, true};
  chain_.Choose(&candidates, /*skip_first=*/true);
  return Selected(candidates);
}

Result<llama_token> Sampler::PickAgainFromAll(const float* logits) {
  Fill(logits);
  grammar_->Mask(candidates_.data(), candidates_.size());
  llama_token_data_array candidates{candidates_.data(), candidates_.size(), -1, false};
  if (std::none_of(candidates_.begin(), candidates_.end(),
                   [](const llama_token_data& each) { return each.logit > kImpossible; })) {
    return NothingLeft();
  }
  chain_.Choose(&candidates, /*skip_first=*/false);
  return Selected(candidates);
}

}  // namespace autocog
