// See grammar_check.h.

#include "engine/grammar/grammar_check.h"

#include <algorithm>
#include <new>
#include <utility>

#include "engine/grammar/grammar_matcher.h"
#include "engine/grammar/left_corners.h"

namespace autocog {

namespace {

using Type = GrammarElement::Type;

// The maximum length of the excerpt in an error message, in bytes.
constexpr size_t kMaxExcerpt = 20;

// A human-readable excerpt of the text at `position`.
std::string Excerpt(const std::string& text, size_t position) {
  if (position >= text.size()) return "the end of the text";
  if (text[position] == '\n' || text[position] == '\r') return "the end of the line";
  size_t end = std::min(text.find_first_of("\r\n", position), text.size());
  const bool truncated = end - position > kMaxExcerpt;
  if (truncated) {
    end = position + kMaxExcerpt;
    // Do not split a UTF-8 character.
    while (end > position + 1 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  }
  return "'" + text.substr(position, end - position) + (truncated ? "…'" : "'");
}

// A path of rules, for error messages. Generated rules have the name of the rule that they are part of,
// so repeated names are shown once.
std::string DescribePath(const Grammar& grammar, const std::vector<size_t>& path) {
  std::string names = grammar.names[path.front()];
  std::string last = names;
  for (size_t i = 1; i < path.size(); ++i) {
    const std::string& name = grammar.names[path[i]];
    if (name == last && i + 1 < path.size()) continue;
    names += " → " + name;
    last = name;
  }
  return names;
}

// Per rule: whether it is reachable from the root.
std::vector<bool> FindReachable(const Grammar& grammar) {
  std::vector<bool> reachable(grammar.rules.size());
  std::vector<size_t> open{grammar.root};
  reachable[grammar.root] = true;
  while (!open.empty()) {
    const size_t id = open.back();
    open.pop_back();
    for (const GrammarElement& element : grammar.rules[id]) {
      if (element.type != Type::kRule || reachable[element.value]) continue;
      reachable[element.value] = true;
      open.push_back(element.value);
    }
  }
  return reachable;
}

// Rejects what llama.cpp rejects: left recursion, where only trivially nullable rules count as nullable.
Status CheckLeftRecursion(const Grammar& grammar, const std::string& text) {
  const auto corners = FindLeftCorners(grammar, FindTriviallyNullable(grammar));
  const auto component = FindComponents(corners);
  for (size_t id = 0; id < corners.size(); ++id) {
    for (const LeftCorner& corner : corners[id]) {
      if (component[corner.rule] != component[id]) continue;
      return GrammarError(text, grammar.positions[id],
                          "expected no left recursion, got " + DescribePath(grammar, FindPath(corners, id, id)));
    }
  }
  return Status::Ok();
}

// Rejects left recursion that llama.cpp misses, because it does not find all nullable rules. Following such a
// grammar, llama.cpp would not terminate if more elements follow the recursive call.
Status CheckHiddenRecursion(const Grammar& grammar, const std::string& text) {
  const auto corners = FindLeftCorners(grammar, FindNullable(grammar));
  const auto component = FindComponents(corners);
  const auto reachable = FindReachable(grammar);
  for (size_t id = 0; id < corners.size(); ++id) {
    for (const LeftCorner& corner : corners[id]) {
      if (!reachable[id] || !corner.is_followed || component[corner.rule] != component[id]) continue;
      return GrammarError(text, grammar.positions[id],
                          "expected no left recursion behind rules that can be empty, got " +
                              DescribePath(grammar, FindPath(corners, id, id)));
    }
  }
  return Status::Ok();
}

}  // namespace

Status GrammarError(const std::string& text, size_t position, const std::string& message) {
  size_t line = 1;
  size_t column = 1;
  for (size_t i = 0; i < position && i < text.size(); ++i) {
    const bool line_end = text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'));
    if (line_end) {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++column;
    }
  }
  std::string full = "Line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + message;
  if (message.find(", got ") == std::string::npos) full += ", got " + Excerpt(text, position);
  return Status(Code::kInvalidArgument, full);
}

Result<Grammar> ReadGrammar(const Vocabulary& vocabulary, const std::string& text, const std::string& root) {
  if (const size_t null = text.find('\0'); null != std::string::npos) {
    return GrammarError(text, null, "expected a text without null characters, got one");
  }
  auto grammar = ParseGrammar(vocabulary, text, root);
  if (!grammar.ok()) return grammar;
  if (Status status = CheckLeftRecursion(grammar.value(), text); !status.ok()) return status;
  if (Status status = CheckHiddenRecursion(grammar.value(), text); !status.ok()) return status;
  return grammar;
}

Status CheckGrammar(const Vocabulary& vocabulary, const std::string& text, const std::string& root) {
  auto grammar = ReadGrammar(vocabulary, text, root);
  return grammar.ok() ? Status::Ok() : grammar.status();
}

Result<bool> MatchesGrammar(const Vocabulary& vocabulary, const std::string& grammar, const std::string& root,
                            const std::string& text, const Cancellation& cancellation) {
  auto parsed = ReadGrammar(vocabulary, grammar, root);
  if (!parsed.ok()) return parsed.status();
  try {
    GrammarMatcher matcher(std::move(parsed.value()));
    std::vector<GrammarMatcher::Set> set{matcher.start()};
    for (size_t i = 0; i < text.size() && set[0] != GrammarMatcher::kEmpty;) {
      if (cancellation.requested()) return cancellation.status();
      const auto first = static_cast<unsigned char>(text[i]);
      const size_t length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
      uint32_t code_point = length == 1 ? first : first & ((1u << (7 - length)) - 1);
      for (size_t next = i + 1; next < std::min(i + length, text.size()); ++next) {
        code_point = (code_point << 6) | (static_cast<unsigned char>(text[next]) & 0x3Fu);
      }
      set[0] = matcher.Advance(set[0], code_point);
      matcher.Compact(&set);
      i += length;
    }
    return matcher.CanEnd(set[0]);
  } catch (const GrammarTooAmbiguous& error) {
    return Status(Code::kOutOfMemory, error.what());
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory for the derivations of the text");
  }
}

}  // namespace autocog
