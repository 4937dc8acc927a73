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
    const bool is_whole = HasWholeCharacters(bytes);
    if (!is_whole) continue;
    *text = std::move(bytes);
    return static_cast<int>(context.size() - end);
  }
  return 0;
}

Result<const TokenSet*> TokenJoiner::Beginnings(const std::string& prefix) {
  const auto found = beginnings_.find(prefix);
  if (found != beginnings_.end()) return &found->second;
  const auto size = static_cast<size_t>(vocabulary_.size());
  for (size_t token = texts_.size(); token < size; ++token) {
    auto bytes = vocabulary_.TokenBytes(static_cast<llama_token>(token));
    if (!bytes.ok()) return bytes.status();
    texts_.push_back(IsValidUtf8(bytes.value()) ? std::move(bytes.value()) : std::string());
  }
  std::vector<uint8_t> bits((size + 7) / 8, 0);
  for (size_t token = 0; token < size; ++token) {
    const std::string& text = texts_[token];
    const size_t common = std::min(text.size(), prefix.size());
    if (common == 0 || text.compare(0, common, prefix, 0, common) != 0) continue;
    if (vocabulary_.IsEndOfGeneration(static_cast<llama_token>(token))) continue;
    bits[token / 8] = static_cast<uint8_t>(bits[token / 8] | 1 << (token % 8));
  }
  return &beginnings_.emplace(prefix, TokenSet(std::move(bits))).first->second;
}

Result<JoinedPaths> TokenJoiner::Join(const PathsAction& action, const Tokens& context) const {
  JoinedPaths joined{action.paths, 0};
  if (!plan_.healed || context.size() < 2 || action.texts.front().empty()) return joined;
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
