// See grammar_check.h.

#include "engine/grammar/grammar_check.h"

#include <algorithm>
#include <new>
#include <utility>

#include "engine/grammar/grammar_matcher.h"
#include "engine/grammar/left_calls.h"

namespace autocog {

namespace {

using Type = GrammarElement::Type;

// How much of a text an error shows.
constexpr size_t kMostShown = 20;

// What stands at `place`, to be read by a person.
std::string Shown(const std::string& text, size_t place) {
  if (place >= text.size()) return "the end of the text";
  if (text[place] == '\n' || text[place] == '\r') return "the end of the line";
  size_t end = std::min(text.find_first_of("\r\n", place), text.size());
  const bool cut = end - place > kMostShown;
  if (cut) {
    end = place + kMostShown;
    // Not within a character of UTF-8.
    while (end > place + 1 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  }
  return "'" + text.substr(place, end - place) + (cut ? "…'" : "'");
}

// A rule's part has its rule's name, and a rule that leads to itself through parts is named once.
std::string NamesOf(const Grammar& grammar, const std::vector<size_t>& way) {
  std::string names = grammar.names[way.front()];
  std::string last = names;
  for (size_t i = 1; i < way.size(); ++i) {
    const std::string& name = grammar.names[way[i]];
    if (name == last && i + 1 < way.size()) continue;
    names += " → " + name;
    last = name;
  }
  return names;
}

// Of each rule: whether the root leads to it.
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

// llama.cpp refuses every rule that leads back to itself at its left end, as far as it sees which rules can be empty.
Status CheckLeftRecursion(const Grammar& grammar, const std::string& text) {
  const auto calls = FindLeftCalls(grammar, FindEmptyAsWritten(grammar));
  const auto component = FindComponents(calls);
  for (size_t id = 0; id < calls.size(); ++id) {
    for (const LeftCall& call : calls[id]) {
      if (component[call.rule] != component[id]) continue;
      return GrammarError(text, grammar.places[id],
                          "expected no left recursion, got " + NamesOf(grammar, FindWay(calls, id, id)));
    }
  }
  return Status::Ok();
}

// It goes round for ever where it does not see that a rule can be empty and there is ever more to come behind.
Status CheckHiddenRecursion(const Grammar& grammar, const std::string& text) {
  const auto calls = FindLeftCalls(grammar, FindNullable(grammar));
  const auto component = FindComponents(calls);
  const auto reachable = FindReachable(grammar);
  for (size_t id = 0; id < calls.size(); ++id) {
    for (const LeftCall& call : calls[id]) {
      if (!reachable[id] || !call.is_followed || component[call.rule] != component[id]) continue;
      return GrammarError(
          text, grammar.places[id],
          "expected no left recursion behind rules that can be empty, got " + NamesOf(grammar, FindWay(calls, id, id)));
    }
  }
  return Status::Ok();
}

}  // namespace

Status GrammarError(const std::string& text, size_t place, const std::string& what) {
  size_t line = 1;
  size_t column = 1;
  for (size_t i = 0; i < place && i < text.size(); ++i) {
    const bool line_end = text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'));
    if (line_end) {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++column;
    }
  }
  std::string message = "Line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + what;
  if (what.find(", got ") == std::string::npos) message += ", got " + Shown(text, place);
  return Status(Code::kInvalidArgument, message);
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
                            const std::string& text) {
  auto read = ReadGrammar(vocabulary, grammar, root);
  if (!read.ok()) return read.status();
  try {
    GrammarMatcher matcher(std::move(read.value()));
    std::vector<GrammarMatcher::Set> set{matcher.start()};
    for (size_t i = 0; i < text.size() && set[0] != GrammarMatcher::kNothing;) {
      const auto first = static_cast<unsigned char>(text[i]);
      const size_t length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
      uint32_t code_point = length == 1 ? first : first & ((1u << (7 - length)) - 1);
      for (size_t at = i + 1; at < std::min(i + length, text.size()); ++at) {
        code_point = (code_point << 6) | (static_cast<unsigned char>(text[at]) & 0x3Fu);
      }
      set[0] = matcher.Advance(set[0], code_point);
      matcher.Compact(&set);
      i += length;
    }
    return matcher.MayEnd(set[0]);
  } catch (const GrammarTooAmbiguous& error) {
    return Status(Code::kOutOfMemory, error.what());
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "The text's derivations do not fit into memory");
  }
}

}  // namespace autocog
