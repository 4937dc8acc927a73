// See grammar_constraint.h.

#include "engine/grammar/grammar_constraint.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/grammar/grammar_check.h"

namespace autocog {

namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();
// From so many candidates on, going through the trie once is cheaper than each by itself.
constexpr size_t kManyCandidates = 256;
constexpr uint32_t kLastCodePoint = 0x10FFFF;

struct Range {
  uint32_t low;
  uint32_t high;
};

// The code points that begin with these bits; an empty range where none is valid UTF-8.
Range Completions(uint32_t value, int length, int missing) {
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const uint32_t low = value << (6 * missing);
  const uint32_t high = low | ((1u << (6 * missing)) - 1);
  // Surrogates take up whole ranges of this kind.
  if (low >= 0xD800 && high <= 0xDFFF) return {1, 0};
  return {std::max(low, kLeast[length]), std::min(high, kLastCodePoint)};
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
  walks_.push_back({matcher_.start(), 0, 0, 0});
}

bool GrammarConstraint::Step(Walk* walk, uint8_t byte) {
  if (walk->missing == 0) {
    if (byte < 0x80) {
      walk->set = matcher_.Advance(walk->set, byte);
      return walk->set != GrammarMatcher::kNothing;
    }
    if (byte < 0xC2 || byte > 0xF4) return false;
    walk->length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    walk->missing = static_cast<uint8_t>(walk->length - 1);
    walk->value = byte & ((1u << (7 - walk->length)) - 1);
  } else {
    if ((byte & 0xC0) != 0x80) return false;
    walk->value = (walk->value << 6) | (byte & 0x3Fu);
    --walk->missing;
  }
  const Range range = Completions(walk->value, walk->length, walk->missing);
  if (range.low > range.high) return false;
  if (walk->missing > 0) return matcher_.MayAdvance(walk->set, range.low, range.high);
  const uint32_t code_point = walk->value;
  *walk = {matcher_.Advance(walk->set, code_point), 0, 0, 0};
  return walk->set != GrammarMatcher::kNothing;
}

bool GrammarConstraint::MayEnd() const {
  return std::any_of(walks_.begin(), walks_.end(),
                     [this](const Walk& walk) { return walk.missing == 0 && matcher_.MayEnd(walk.set); });
}

bool GrammarConstraint::Allows(llama_token token) {
  if (vocabulary_.IsEndOfGeneration(token)) return MayEnd();
  return allowed_is_known_ ? allowed_[static_cast<size_t>(token)] : IsTextAllowed(token);
}

bool GrammarConstraint::IsTextAllowed(llama_token token) {
  const std::string_view bytes = trie_.Bytes(token);
  if (bytes.empty()) return false;
  for (Walk walk : walks_) {
    if (walk.missing == 0 && matcher_.AdvanceToken(walk.set, token) != GrammarMatcher::kNothing) return true;
    if (std::all_of(bytes.begin(), bytes.end(), [&](char c) { return Step(&walk, static_cast<uint8_t>(c)); })) {
      return true;
    }
  }
  return false;
}

const Tokens& GrammarConstraint::AllAllowed() {
  if (!allowed_is_known_) FindAllowed();
  return all_allowed_;
}

void GrammarConstraint::NoteAllowed(llama_token token) {
  if (allowed_[static_cast<size_t>(token)]) return;
  allowed_[static_cast<size_t>(token)] = true;
  all_allowed_.push_back(token);
}

void GrammarConstraint::FindAllowed() {
  allowed_.assign(static_cast<size_t>(vocabulary_.size()), false);
  all_allowed_.clear();
  if (MayEnd()) {
    for (const llama_token token : vocabulary_.end_of_generation()) NoteAllowed(token);
  }
  const auto& nodes = trie_.nodes();
  path_.resize(trie_.greatest_depth() + 1);
  for (const Walk& walk : walks_) {
    path_[0] = walk;
    for (size_t i = 0; i + 1 < nodes.size();) {
      const TokenTrie::Node& node = nodes[i];
      Walk& next = path_[node.depth];
      next = path_[node.depth - 1];
      if (!Step(&next, node.byte)) {
        i = node.end;
        continue;
      }
      ++i;
      for (uint32_t at = node.first_token; at < nodes[i].first_token; ++at) {
        NoteAllowed(trie_.tokens()[at]);
      }
    }
    if (walk.missing > 0 || !matcher_.AsksForToken(walk.set)) continue;
    for (const llama_token token : trie_.tokens()) {
      if (matcher_.AdvanceToken(walk.set, token) != GrammarMatcher::kNothing) NoteAllowed(token);
    }
  }
  allowed_is_known_ = true;
}

void GrammarConstraint::Mask(llama_token_data* candidates, size_t size) {
  if (size >= kManyCandidates && !allowed_is_known_) FindAllowed();
  for (size_t i = 0; i < size; ++i) {
    if (!Allows(candidates[i].id)) candidates[i].logit = kImpossible;
  }
}

Status GrammarConstraint::Accept(llama_token token) {
  const std::string_view bytes = trie_.Bytes(token);
  std::vector<Walk> next;
  for (Walk walk : walks_) {
    if (walk.missing == 0) {
      const auto set = matcher_.AdvanceToken(walk.set, token);
      if (set != GrammarMatcher::kNothing) next.push_back({set, 0, 0, 0});
    }
    if (std::all_of(bytes.begin(), bytes.end(), [&](char c) { return Step(&walk, static_cast<uint8_t>(c)); })) {
      next.push_back(walk);
    }
  }
  if (next.empty()) return Status(Code::kInternal, "The grammar does not allow the token that was picked");
  std::vector<GrammarMatcher::Set> kept;
  for (const Walk& walk : next) kept.push_back(walk.set);
  matcher_.Compact(&kept);
  for (size_t i = 0; i < next.size(); ++i) next[i].set = kept[i];
  walks_ = std::move(next);
  allowed_is_known_ = false;
  return Status::Ok();
}

}  // namespace autocog
