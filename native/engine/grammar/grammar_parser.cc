// Reads GBNF: the language of llama.cpp's src/llama-grammar.cpp, to the letter, with a place for
// each mistake. llama.cpp would print it to stderr.

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "engine/grammar/grammar.h"
#include "engine/grammar/grammar_cursor.h"

namespace autocog {

namespace {

using Type = GrammarElement::Type;
using Rule = std::vector<GrammarElement>;

// llama.cpp's limit on repetitions, and on rules times repetitions.
constexpr uint64_t kMostRepetitions = 2000;
constexpr uint64_t kNoMaximum = std::numeric_limits<uint64_t>::max();
// Groups within groups; each takes some of the thread's stack.
constexpr int kMostNesting = 256;
// What repetitions may be written out to, in elements. llama.cpp has no limit but memory.
constexpr size_t kMostElements = size_t{1} << 22;
// A rule takes as much memory as so many elements.
constexpr size_t kRuleCost = 16;

class Parser {
 public:
  Parser(const Vocabulary& vocabulary, const std::string& text) : vocabulary_(vocabulary), cursor_(text) {}

  Grammar Parse(const std::string& root) {
    cursor_.SkipSpace(true);
    while (!cursor_.AtEnd()) ReadRule();
    Resolve(root);
    return std::move(grammar_);
  }

 private:
  void ReadRule() {
    const size_t place = cursor_.place();
    const std::string name = cursor_.ReadName();
    cursor_.SkipSpace(false);
    const size_t id = Named(name, place);
    for (const char each : std::string("::=")) {
      if (!cursor_.Take(each)) cursor_.Fail("'::=' after the name of a rule");
    }
    cursor_.SkipSpace(true);
    ReadAlternatives(name, id, /*nesting=*/0);
    if (cursor_.Take('\r')) {
      cursor_.Take('\n');
    } else if (!cursor_.Take('\n') && !cursor_.AtEnd()) {
      cursor_.Fail("an item, '|' or the end of the line");
    }
    cursor_.SkipSpace(true);
  }

  void ReadAlternatives(const std::string& name, size_t id, int nesting) {
    Rule rule;
    ReadSequence(name, &rule, nesting);
    while (cursor_.Take('|')) {
      rule.push_back({Type::kAlternate, 0});
      cursor_.SkipSpace(true);
      ReadSequence(name, &rule, nesting);
    }
    rule.push_back({Type::kEnd, 0});
    Define(id, std::move(rule));
  }

  void ReadSequence(const std::string& name, Rule* rule, int nesting) {
    const bool nested = nesting > 0;
    // Where the last item begins, and how many rules it stands for.
    size_t item = rule->size();
    uint64_t weight = 1;
    for (;;) {
      const size_t place = cursor_.place();
      const char next = cursor_.Peek();
      if (next == '*' || next == '+' || next == '?' || next == '{') {
        const auto [least, most] = ReadRepetition(nested);
        Repeat(place, name, least, most, item, &weight, rule);
        continue;
      }
      if (next != '"' && next != '[' && next != '<' && next != '!' && next != '(' && next != '.' &&
          !GrammarCursor::IsWord(next)) {
        return;
      }
      item = rule->size();
      weight = 1;
      if (next == '"') {
        ReadLiteral(rule);
      } else if (next == '[') {
        ReadClass(rule);
      } else if (next == '<' || next == '!') {
        ReadToken(rule);
      } else if (next == '.') {
        cursor_.Take('.');
        rule->push_back({Type::kAny, 0});
      } else if (next == '(') {
        weight = ReadGroup(name, rule, nesting);
      } else {
        rule->push_back({Type::kRule, static_cast<uint32_t>(Named(cursor_.ReadName(), place))});
      }
      cursor_.SkipSpace(nested);
      Charge(place, rule->size() - item);
    }
  }

  void ReadLiteral(Rule* rule) {
    cursor_.Take('"');
    while (!cursor_.Take('"')) {
      if (cursor_.AtEnd()) cursor_.Fail("'\"' at the end of a literal");
      rule->push_back({Type::kChar, cursor_.ReadChar()});
    }
  }

  void ReadClass(Rule* rule) {
    cursor_.Take('[');
    Type type = cursor_.Take('^') ? Type::kNotChar : Type::kChar;
    while (!cursor_.Take(']')) {
      if (cursor_.AtEnd()) cursor_.Fail("']' at the end of a class");
      rule->push_back({type, cursor_.ReadChar()});
      type = Type::kOrChar;
      if (cursor_.Peek() != '-' || cursor_.Peek(1) == ']') continue;
      cursor_.Take('-');
      if (cursor_.AtEnd()) cursor_.Fail("the end of a range");
      rule->push_back({Type::kRangeEnd, cursor_.ReadChar()});
    }
  }

  void ReadToken(Rule* rule) {
    const Type type = cursor_.Take('!') ? Type::kNotToken : Type::kToken;
    const size_t place = cursor_.place();
    if (!cursor_.Take('<')) cursor_.Fail("'<' and a token after '!'");
    if (cursor_.Take('[')) {
      const uint64_t id = cursor_.ReadNumber("a token's id");
      // llama.cpp reads an unsigned long, and keeps 32 bits of it.
      if (id > std::numeric_limits<unsigned long>::max()) cursor_.FailAt(place, "a token's id");
      if (!cursor_.Take(']')) cursor_.Fail("']' after a token's id");
      if (!cursor_.Take('>')) cursor_.Fail("'>' after a token");
      rule->push_back({type, static_cast<uint32_t>(id)});
      return;
    }
    while (!cursor_.AtEnd() && cursor_.Peek() != '>') cursor_.Skip();
    if (!cursor_.Take('>')) cursor_.Fail("'>' after a token");
    const std::string text = cursor_.Since(place);
    auto tokens = vocabulary_.Tokenize(text, /*add_special=*/false, /*parse_special=*/true);
    if (!tokens.ok()) cursor_.FailAt(place, "a token of this vocabulary (" + tokens.status().message() + ")");
    if (tokens.value().size() != 1) {
      cursor_.FailAt(place, "a text that is one token, got " + std::to_string(tokens.value().size()) + " for " + text);
    }
    rule->push_back({type, static_cast<uint32_t>(tokens.value().front())});
  }

  // How many names it brought.
  uint64_t ReadGroup(const std::string& name, Rule* rule, int nesting) {
    const size_t place = cursor_.place();
    cursor_.Take('(');
    if (nesting == kMostNesting) {
      cursor_.FailAt(place, "at most " + std::to_string(kMostNesting) + " groups within each other");
    }
    cursor_.SkipSpace(true);
    const size_t before = grammar_.rules.size();
    const size_t id = Unnamed(name, place);
    ReadAlternatives(name, id, nesting + 1);
    rule->push_back({Type::kRule, static_cast<uint32_t>(id)});
    if (!cursor_.Take(')')) cursor_.Fail("an item, '|' or ')' within a group");
    return grammar_.rules.size() - before;
  }

  std::pair<uint64_t, uint64_t> ReadRepetition(bool nested) {
    const size_t place = cursor_.place();
    const char kind = cursor_.Peek();
    cursor_.Skip();
    cursor_.SkipSpace(nested);
    if (kind == '*') return {0, kNoMaximum};
    if (kind == '+') return {1, kNoMaximum};
    if (kind == '?') return {0, 1};
    const uint64_t least = cursor_.ReadNumber("a number of repetitions");
    uint64_t most = least;
    cursor_.SkipSpace(nested);
    if (cursor_.Take(',')) {
      cursor_.SkipSpace(nested);
      most = kNoMaximum;
      if (GrammarCursor::IsDigit(cursor_.Peek())) most = cursor_.ReadNumber("a number of repetitions");
      cursor_.SkipSpace(nested);
      if (!cursor_.Take('}')) cursor_.Fail("'}' after repetitions");
    } else if (!cursor_.Take('}')) {
      cursor_.Fail("',' or '}' after a number of repetitions");
    }
    cursor_.SkipSpace(nested);
    if (least > kMostRepetitions) {
      cursor_.FailAt(place,
                     "at most " + std::to_string(kMostRepetitions) + " repetitions, got " + std::to_string(least));
    }
    // As llama.cpp does: so many are as good as any number.
    if (most > kMostRepetitions) most = kNoMaximum;
    if (most < least) cursor_.FailAt(place, "at least as many repetitions at most as at least");
    return {least, most};
  }

  // Writes a repetition of what begins at `item` out as rules: S{2,4} as S S T with T ::= S U | and U ::= S |, and
  // S{2,} as S S T with T ::= S T |.
  void Repeat(size_t place, const std::string& name, uint64_t least, uint64_t most, size_t item, uint64_t* weight,
              Rule* rule) {
    if (item == rule->size()) cursor_.FailAt(place, "an item before a repetition");
    const bool endless = most == kNoMaximum;
    uint64_t total = 1;
    if (!endless && most > 0) {
      total = most;
    } else if (least > 0) {
      total = least;
    }
    if (*weight * total > kMostRepetitions) {
      cursor_.FailAt(place, "at most " + std::to_string(kMostRepetitions) +
                                " repetitions in all of the item and the rules in it, got " +
                                std::to_string(*weight * total));
    }
    const Rule once(rule->begin() + static_cast<std::ptrdiff_t>(item), rule->end());
    const uint64_t optional = endless ? 1 : most - least;
    Charge(place, (once.size() + 3) * (total + optional) + kRuleCost * optional);
    if (least == 0) rule->resize(item);
    for (uint64_t i = 1; i < least; ++i) rule->insert(rule->end(), once.begin(), once.end());
    size_t last = 0;
    for (uint64_t i = 0; i < optional; ++i) {
      const size_t id = Unnamed(name, place);
      Rule part = once;
      if (i > 0 || endless) part.push_back({Type::kRule, static_cast<uint32_t>(endless ? id : last)});
      part.push_back({Type::kAlternate, 0});
      part.push_back({Type::kEnd, 0});
      Define(id, std::move(part));
      last = id;
    }
    if (optional > 0) rule->push_back({Type::kRule, static_cast<uint32_t>(last)});
    *weight *= total;
  }

  void Charge(size_t place, size_t elements) {
    elements_ += elements;
    if (elements_ > kMostElements) {
      cursor_.FailAt(place, "a grammar of at most " + std::to_string(kMostElements) +
                                " elements with its repetitions written out");
    }
  }

  size_t Named(const std::string& name, size_t place) {
    const auto [entry, is_new] = ids_.emplace(name, grammar_.rules.size());
    if (is_new) Add(name, place);
    return entry->second;
  }

  size_t Unnamed(const std::string& of, size_t place) {
    Add(of, place);
    return grammar_.rules.size() - 1;
  }

  void Add(const std::string& name, size_t place) {
    grammar_.rules.emplace_back();
    grammar_.names.push_back(name);
    grammar_.places.push_back(place);
  }

  // A second definition of a name takes the place of the first, as in llama.cpp.
  void Define(size_t id, Rule rule) {
    defined_ = std::max(defined_, id + 1);
    grammar_.rules[id] = std::move(rule);
  }

  void Resolve(const std::string& root) {
    if (defined_ == 0) cursor_.FailAt(0, "a rule, as root ::= \"yes\" | \"no\"");
    std::vector<bool> used(grammar_.rules.size());
    for (const Rule& rule : grammar_.rules) {
      for (const GrammarElement& element : rule) {
        if (element.type == Type::kRule) used[element.value] = true;
      }
    }
    for (size_t id = 0; id < grammar_.rules.size(); ++id) {
      // A name that only an overwritten rule used is none of llama.cpp's concern, unless a later one has a rule.
      if (!grammar_.rules[id].empty() || (!used[id] && id >= defined_)) continue;
      cursor_.FailAt(grammar_.places[id], "a rule for '" + grammar_.names[id] + "', which is used here");
    }
    const auto start = ids_.find(root);
    if (start == ids_.end() || grammar_.rules[start->second].empty()) {
      cursor_.FailAt(0, "a rule for the start symbol '" + root + "'");
    }
    grammar_.root = start->second;
  }

  const Vocabulary& vocabulary_;
  GrammarCursor cursor_;
  Grammar grammar_;
  std::map<std::string, size_t> ids_;
  size_t defined_ = 0;
  size_t elements_ = 0;
};

}  // namespace

Result<Grammar> ParseGrammar(const Vocabulary& vocabulary, const std::string& text, const std::string& root) {
  try {
    return Parser(vocabulary, text).Parse(root);
  } catch (const GrammarMistake& mistake) {
    return GrammarError(text, mistake.place, "expected " + mistake.expected);
  }
}

}  // namespace autocog
