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
  for (size_t end = context.size() - 1; end > 0; --end) {
    auto own = vocabulary_.TokenBytes(context[end]);
    if (!own.ok()) return own.status();
    if (own.value().empty()) return 0;  // a control token
    bytes = own.value() + bytes;
    const bool is_whole = IsValidUtf8(bytes) && bytes.find("\xef\xbf\xbd") == std::string::npos;
    if (!is_whole) continue;
    *text = std::move(bytes);
    return static_cast<int>(context.size() - end);
  }
  return 0;
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
