// See grammar_constraint.h.

#include "engine/grammar/grammar_constraint.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/grammar/grammar_check.h"

namespace autocog {

namespace {

constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();
// From this many candidates on, one trie traversal is cheaper than checking each separately.
constexpr size_t kManyCandidates = 256;
constexpr uint32_t kLastCodePoint = 0x10FFFF;

struct Range {
  uint32_t low;
  uint32_t high;
};

// The code points whose encoding starts with the bytes read so far, of which `missing` are left; an empty
// range if none is valid UTF-8.
Range Completions(uint32_t value, int length, int missing) {
  constexpr uint32_t kMinCodePoint[] = {0, 0, 0x80, 0x800, 0x10000};
  const uint32_t low = value << (6 * missing);
  const uint32_t high = low | ((1u << (6 * missing)) - 1);
  // Surrogates fill whole ranges of this kind.
  if (low >= 0xD800 && high <= 0xDFFF) return {1, 0};
  return {std::max(low, kMinCodePoint[length]), std::min(high, kLastCodePoint)};
}

}  // namespace

Result<std::unique_ptr<GrammarConstraint>> GrammarConstraint::Create(const Vocabulary& vocabulary,
                                                                     const std::string& gbnf, const std::string& root) {
  if (llama_vocab_type(vocabulary.raw()) == LLAMA_VOCAB_TYPE_NONE) {
    return Status(Code::kNotSupported, "This model has no tokenizer, so no grammar can constrain its tokens");
  }
  auto grammar = ReadGrammar(vocabulary, gbnf, root);
  if (!grammar.ok()) return grammar.status();
  return std::unique_ptr<GrammarConstraint>(new GrammarConstraint(vocabulary, std::move(grammar.value())));
}

GrammarConstraint::GrammarConstraint(const Vocabulary& vocabulary, Grammar grammar)
    : vocabulary_(vocabulary), trie_(vocabulary.trie()), matcher_(std::move(grammar)) {
  states_.push_back({matcher_.start(), 0, 0, 0});
}

bool GrammarConstraint::Step(State* state, uint8_t byte) {
  if (state->missing == 0) {
    if (byte < 0x80) {
      state->set = matcher_.Advance(state->set, byte);
      return state->set != GrammarMatcher::kEmpty;
    }
    if (byte < 0xC2 || byte > 0xF4) return false;
    state->length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    state->missing = static_cast<uint8_t>(state->length - 1);
    state->value = byte & ((1u << (7 - state->length)) - 1);
  } else {
    if ((byte & 0xC0) != 0x80) return false;
    state->value = (state->value << 6) | (byte & 0x3Fu);
    --state->missing;
  }
  const Range range = Completions(state->value, state->length, state->missing);
  if (range.low > range.high) return false;
  if (state->missing > 0) return matcher_.CanAdvance(state->set, range.low, range.high);
  const uint32_t code_point = state->value;
  *state = {matcher_.Advance(state->set, code_point), 0, 0, 0};
  return state->set != GrammarMatcher::kEmpty;
}

bool GrammarConstraint::CanEnd() const {
  return std::any_of(states_.begin(), states_.end(),
                     [this](const State& state) { return state.missing == 0 && matcher_.CanEnd(state.set); });
}

bool GrammarConstraint::Allows(llama_token token) {
  if (vocabulary_.IsEndOfGeneration(token)) return CanEnd();
  return allowed_is_cached_ ? allowed_[static_cast<size_t>(token)] : IsTextAllowed(token);
}

bool GrammarConstraint::IsTextAllowed(llama_token token) {
  const std::string_view bytes = trie_.Bytes(token);
  if (bytes.empty()) return false;
  for (State state : states_) {
    if (state.missing == 0 && matcher_.AdvanceToken(state.set, token) != GrammarMatcher::kEmpty) return true;
    if (std::all_of(bytes.begin(), bytes.end(), [&](char c) { return Step(&state, static_cast<uint8_t>(c)); })) {
      return true;
    }
  }
  return false;
}

const Tokens& GrammarConstraint::AllAllowed() {
  if (!allowed_is_cached_) FindAllowed();
  return all_allowed_;
}

void GrammarConstraint::AddAllowed(llama_token token) {
  if (allowed_[static_cast<size_t>(token)]) return;
  allowed_[static_cast<size_t>(token)] = true;
  all_allowed_.push_back(token);
}

void GrammarConstraint::FindAllowed() {
  allowed_.assign(static_cast<size_t>(vocabulary_.size()), false);
  all_allowed_.clear();
  if (CanEnd()) {
    for (const llama_token token : vocabulary_.end_of_generation()) AddAllowed(token);
  }
  const auto& nodes = trie_.nodes();
  path_.resize(trie_.max_depth() + 1);
  for (const State& state : states_) {
    path_[0] = state;
    for (size_t i = 0; i + 1 < nodes.size();) {
      const TokenTrie::Node& node = nodes[i];
      State& next = path_[node.depth];
      next = path_[node.depth - 1];
      if (!Step(&next, node.byte)) {
        i = node.end;
        continue;
      }
      ++i;
      for (uint32_t at = node.first_token; at < nodes[i].first_token; ++at) {
        AddAllowed(trie_.tokens()[at]);
      }
    }
    if (state.missing > 0 || !matcher_.ExpectsToken(state.set)) continue;
    for (const llama_token token : trie_.tokens()) {
      if (matcher_.AdvanceToken(state.set, token) != GrammarMatcher::kEmpty) AddAllowed(token);
    }
  }
  allowed_is_cached_ = true;
}

void GrammarConstraint::Mask(llama_token_data* candidates, size_t size) {
  if (size >= kManyCandidates && !allowed_is_cached_) FindAllowed();
  for (size_t i = 0; i < size; ++i) {
    if (!Allows(candidates[i].id)) candidates[i].logit = kNegativeInfinity;
  }
}

Status GrammarConstraint::Accept(llama_token token) {
  const std::string_view bytes = trie_.Bytes(token);
  std::vector<State> next;
  for (State state : states_) {
    if (state.missing == 0) {
      const auto set = matcher_.AdvanceToken(state.set, token);
      if (set != GrammarMatcher::kEmpty) next.push_back({set, 0, 0, 0});
    }
    if (std::all_of(bytes.begin(), bytes.end(), [&](char c) { return Step(&state, static_cast<uint8_t>(c)); })) {
      next.push_back(state);
    }
  }
  if (next.empty()) return Status(Code::kInternal, "The grammar does not allow the sampled token");
  std::vector<GrammarMatcher::Set> kept;
  for (const State& state : next) kept.push_back(state.set);
  matcher_.Compact(&kept);
  for (size_t i = 0; i < next.size(); ++i) next[i].set = kept[i];
  states_ = std::move(next);
  allowed_is_cached_ = false;
  return Status::Ok();
}

}  // namespace autocog
