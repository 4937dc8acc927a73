// See token_joiner.h.

#include "engine/automaton/token_joiner.h"

#include <algorithm>

#include "engine/automaton/thought.h"

namespace autocog {

Result<Tokens> TokenJoiner::Tokenize(const std::string& text) const {
  if (plan_.guard.empty()) return vocabulary_.Tokenize(text, false, false);
  auto guarded = vocabulary_.Tokenize(plan_.guard + text, false, false);
  if (!guarded.ok()) return guarded.status();
  const Tokens& guard = plan_.guard_tokens;
  const Tokens& tokens = guarded.value();
  const bool is_apart = tokens.size() >= guard.size() && std::equal(guard.begin(), guard.end(), tokens.begin());
  if (!is_apart) return vocabulary_.Tokenize(text, false, false);
  return Tokens(tokens.begin() + static_cast<std::ptrdiff_t>(guard.size()), tokens.end());
}

Result<int> TokenJoiner::Trimmed(const Tokens& context, std::string* text) const {
  std::string bytes;
  const size_t first = context.size() > kMaxReplaced ? context.size() - kMaxReplaced : 1;
  for (size_t end = context.size() - 1; end >= first; --end) {
    auto own = vocabulary_.TokenBytes(context[end]);
    if (!own.ok()) return own.status();
    if (own.value().empty()) return 0;  // a control token
    bytes = own.value() + bytes;
    if (!IsValidUtf8(bytes)) continue;
    if (!HasWholeCharacters(bytes)) {
      // The text has U+FFFD, which also stands for incomplete characters: only the former has these tokens.
      auto tokens = Tokenize(bytes);
      if (!tokens.ok()) return tokens.status();
      const auto begin = context.begin() + static_cast<std::ptrdiff_t>(end);
      if (!std::equal(begin, context.end(), tokens.value().begin(), tokens.value().end())) continue;
    }
    *text = std::move(bytes);
    return static_cast<int>(context.size() - end);
  }
  return 0;
}

template <typename Visit>
Status TokenJoiner::VisitBeginnings(const std::string& prefix, const Visit& visit) {
  const auto size = static_cast<size_t>(vocabulary_.size());
  for (size_t token = texts_.size(); token < size; ++token) {
    auto bytes = vocabulary_.TokenBytes(static_cast<llama_token>(token));
    if (!bytes.ok()) return bytes.status();
    texts_.push_back(HasWholeCharacters(bytes.value()) ? std::move(bytes.value()) : std::string());
  }
  for (size_t token = 0; token < size; ++token) {
    const std::string& text = texts_[token];
    const size_t common = std::min(text.size(), prefix.size());
    if (common == 0 || text.compare(0, common, prefix, 0, common) != 0) continue;
    if (!vocabulary_.IsEndOfGeneration(static_cast<llama_token>(token))) visit(token, common);
  }
  return Status::Ok();
}

Result<int> TokenJoiner::TokensFor(const std::string& prefix) {
  if (prefix.empty()) return 0;
  // From the end, as the number for a text depends on those of its suffixes.
  for (size_t begin = prefix.size(); begin-- > 0;) {
    const std::string suffix = prefix.substr(begin);
    // Not inside a character.
    if ((static_cast<uint8_t>(suffix[0]) & 0xc0) == 0x80 || needed_.count(suffix) != 0) continue;
    int least = kNotPossible;
    Status status = VisitBeginnings(suffix, [&](size_t, size_t common) {
      const int rest = common == suffix.size() ? 0 : needed_.at(suffix.substr(common));
      if (rest != kNotPossible) least = std::min(least, rest + 1);
    });
    if (!status.ok()) return status;
    needed_[suffix] = least;
  }
  return needed_.at(prefix);
}

Result<int> TokenJoiner::TrimmedForCompletion(const Tokens& context, std::string* text) {
  auto trimmed = Trimmed(context, text);
  if (!trimmed.ok()) return trimmed;
  auto needed = TokensFor(*text);
  if (!needed.ok()) return needed;
  if (needed.value() <= trimmed.value()) return trimmed;
  text->clear();
  return 0;
}

Result<const TokenSet*> TokenJoiner::Beginnings(const std::string& prefix, int count) {
  auto needed = TokensFor(prefix);
  if (!needed.ok()) return needed.status();
  // From as many tokens on as the prefix has bytes, the number does not matter.
  const auto key = std::make_pair(prefix, std::min(count, static_cast<int>(prefix.size())));
  const auto found = beginnings_.find(key);
  if (found != beginnings_.end()) return &found->second;
  std::vector<uint8_t> bits((static_cast<size_t>(vocabulary_.size()) + 7) / 8, 0);
  Status status = VisitBeginnings(prefix, [&](size_t token, size_t common) {
    const int rest = common == prefix.size() ? 0 : needed_.at(prefix.substr(common));
    if (rest < count) bits[token / 8] = static_cast<uint8_t>(bits[token / 8] | 1 << (token % 8));
  });
  if (!status.ok()) return status;
  return &beginnings_.emplace(key, TokenSet(std::move(bits))).first->second;
}

Result<JoinedPaths> TokenJoiner::Join(const PathsAction& action, const Tokens& context) const {
  JoinedPaths joined{action.paths, 0};
  // A text of nothing changes nothing; a choice of nothing may be scored with what follows it.
  const bool is_nothing = action.texts.front().empty() && !action.ends && action.terminator.empty();
  if (!plan_.healed || context.size() < 2 || is_nothing) return joined;
  std::string trimmed;
  auto count = Trimmed(context, &trimmed);
  if (!count.ok()) return count.status();
  if (count.value() == 0) return joined;
  Tokens end;
  if (!action.terminator.empty()) {
    auto tokens = Tokenize(action.terminator);
    if (!tokens.ok()) return tokens.status();
    end = std::move(tokens.value());
  }
  joined.replaced = count.value();
  for (size_t i = 0; i < action.texts.size(); ++i) {
    const std::string text = trimmed + action.texts[i];
    auto tokens = Tokenize(text);
    if (!tokens.ok()) return tokens.status();
    auto restored = vocabulary_.Detokenize(tokens.value(), true, true);
    if (!restored.ok()) return restored.status();
    if (restored.value() != text) return JoinedPaths{action.paths, 0};
    tokens.value().insert(tokens.value().end(), end.begin(), end.end());
    joined.paths[i] = std::move(tokens.value());
  }
  return joined;
}

}  // namespace autocog
