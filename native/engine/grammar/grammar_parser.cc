// Parses GBNF, exactly the language of llama.cpp's src/llama-grammar.cpp, but reports errors with their
// position, instead of printing to stderr like llama.cpp.

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
constexpr uint64_t kMaxRepetitions = 2000;
constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();
// Limit on nested groups, which consume stack.
constexpr int kMaxNesting = 256;
// Limit on elements, after repetitions are expanded. llama.cpp is limited only by memory.
constexpr size_t kMaxElements = size_t{1} << 22;
// The memory of a rule, in units of an element.
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
    const size_t position = cursor_.position();
    const std::string name = cursor_.ReadName();
    cursor_.SkipSpace(false);
    const size_t id = RuleByName(name, position);
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
    // Where the last item starts, and how many rules it stands for.
    size_t item = rule->size();
    uint64_t weight = 1;
    for (;;) {
      const size_t position = cursor_.position();
      const char next = cursor_.Peek();
      if (next == '*' || next == '+' || next == '?' || next == '{') {
        const auto [min, max] = ReadRepetition(nested);
        Repeat(position, name, min, max, item, &weight, rule);
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
        rule->push_back({Type::kRule, static_cast<uint32_t>(RuleByName(cursor_.ReadName(), position))});
      }
      cursor_.SkipSpace(nested);
      Charge(position, rule->size() - item);
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
    const size_t position = cursor_.position();
    if (!cursor_.Take('<')) cursor_.Fail("'<' and a token after '!'");
    if (cursor_.Take('[')) {
      const uint64_t id = cursor_.ReadNumber("a token's id");
      // llama.cpp parses an unsigned long and truncates it to 32 bits.
      if (id > std::numeric_limits<unsigned long>::max()) cursor_.FailAt(position, "a token's id");
      if (!cursor_.Take(']')) cursor_.Fail("']' after a token's id");
      if (!cursor_.Take('>')) cursor_.Fail("'>' after a token");
      rule->push_back({type, static_cast<uint32_t>(id)});
      return;
    }
    while (!cursor_.AtEnd() && cursor_.Peek() != '>') cursor_.Skip();
    if (!cursor_.Take('>')) cursor_.Fail("'>' after a token");
    const std::string text = cursor_.Since(position);
    auto tokens = vocabulary_.Tokenize(text, /*add_special=*/false, /*parse_special=*/true);
    if (!tokens.ok()) cursor_.FailAt(position, "a token of this vocabulary (" + tokens.status().message() + ")");
    if (tokens.value().size() != 1) {
      cursor_.FailAt(position,
                     "text that is a single token, got " + std::to_string(tokens.value().size()) + " for " + text);
    }
    rule->push_back({type, static_cast<uint32_t>(tokens.value().front())});
  }

  // Returns the number of rules that the group added.
  uint64_t ReadGroup(const std::string& name, Rule* rule, int nesting) {
    const size_t position = cursor_.position();
    cursor_.Take('(');
    if (nesting == kMaxNesting) {
      cursor_.FailAt(position, "at most " + std::to_string(kMaxNesting) + " groups nested in each other");
    }
    cursor_.SkipSpace(true);
    const size_t before = grammar_.rules.size();
    const size_t id = GenerateRule(name, position);
    ReadAlternatives(name, id, nesting + 1);
    rule->push_back({Type::kRule, static_cast<uint32_t>(id)});
    if (!cursor_.Take(')')) cursor_.Fail("an item, '|' or ')' within a group");
    return grammar_.rules.size() - before;
  }

  std::pair<uint64_t, uint64_t> ReadRepetition(bool nested) {
    const size_t position = cursor_.position();
    const char kind = cursor_.Peek();
    cursor_.Skip();
    cursor_.SkipSpace(nested);
    if (kind == '*') return {0, kUnlimited};
    if (kind == '+') return {1, kUnlimited};
    if (kind == '?') return {0, 1};
    const uint64_t min = cursor_.ReadNumber("a number of repetitions");
    uint64_t max = min;
    cursor_.SkipSpace(nested);
    if (cursor_.Take(',')) {
      cursor_.SkipSpace(nested);
      max = kUnlimited;
      if (GrammarCursor::IsDigit(cursor_.Peek())) max = cursor_.ReadNumber("a number of repetitions");
      cursor_.SkipSpace(nested);
      if (!cursor_.Take('}')) cursor_.Fail("'}' after repetitions");
    } else if (!cursor_.Take('}')) {
      cursor_.Fail("',' or '}' after a number of repetitions");
    }
    cursor_.SkipSpace(nested);
    if (min > kMaxRepetitions) {
      cursor_.FailAt(position,
                     "at most " + std::to_string(kMaxRepetitions) + " repetitions, got " + std::to_string(min));
    }
    // Like llama.cpp, treat a larger maximum as unlimited.
    if (max > kMaxRepetitions) max = kUnlimited;
    if (max < min) cursor_.FailAt(position, "a maximum number of repetitions that is at least the minimum");
    return {min, max};
  }

  // Expands a repetition of the item that starts at index `item` into rules: S{2,4} to S S T with
  // T ::= S U | and U ::= S |, and S{2,} to S S T with T ::= S T |.
  void Repeat(size_t position, const std::string& name, uint64_t min, uint64_t max, size_t item, uint64_t* weight,
              Rule* rule) {
    if (item == rule->size()) cursor_.FailAt(position, "an item before a repetition");
    const bool unlimited = max == kUnlimited;
    uint64_t total = 1;
    if (!unlimited && max > 0) {
      total = max;
    } else if (min > 0) {
      total = min;
    }
    if (*weight * total > kMaxRepetitions) {
      cursor_.FailAt(position, "at most " + std::to_string(kMaxRepetitions) +
                                   " repetitions in total of the item and the rules in it, got " +
                                   std::to_string(*weight * total));
    }
    const Rule once(rule->begin() + static_cast<std::ptrdiff_t>(item), rule->end());
    const uint64_t optional = unlimited ? 1 : max - min;
    Charge(position, (once.size() + 3) * (total + optional) + kRuleCost * optional);
    if (min == 0) rule->resize(item);
    for (uint64_t i = 1; i < min; ++i) rule->insert(rule->end(), once.begin(), once.end());
    size_t last = 0;
    for (uint64_t i = 0; i < optional; ++i) {
      const size_t id = GenerateRule(name, position);
      Rule part = once;
      if (i > 0 || unlimited) part.push_back({Type::kRule, static_cast<uint32_t>(unlimited ? id : last)});
      part.push_back({Type::kAlternate, 0});
      part.push_back({Type::kEnd, 0});
      Define(id, std::move(part));
      last = id;
    }
    if (optional > 0) rule->push_back({Type::kRule, static_cast<uint32_t>(last)});
    *weight *= total;
  }

  // Counts elements towards the limit.
  void Charge(size_t position, size_t elements) {
    elements_ += elements;
    if (elements_ > kMaxElements) {
      cursor_.FailAt(position, "a grammar of at most " + std::to_string(kMaxElements) +
                                   " elements after the expansion of repetitions");
    }
  }

  // The index of the rule with this name, which is added if new.
  size_t RuleByName(const std::string& name, size_t position) {
    const auto [entry, is_new] = ids_.emplace(name, grammar_.rules.size());
    if (is_new) Add(name, position);
    return entry->second;
  }

  // Adds a rule for a part of the rule `name`.
  size_t GenerateRule(const std::string& name, size_t position) {
    Add(name, position);
    return grammar_.rules.size() - 1;
  }

  void Add(const std::string& name, size_t position) {
    grammar_.rules.emplace_back();
    grammar_.names.push_back(name);
    grammar_.positions.push_back(position);
  }

  // A second definition of a name replaces the first, as in llama.cpp.
  void Define(size_t id, Rule rule) {
    defined_ = std::max(defined_, id + 1);
    grammar_.rules[id] = std::move(rule);
  }

  void Resolve(const std::string& root) {
    if (defined_ == 0) cursor_.FailAt(0, "a rule such as root ::= \"yes\" | \"no\"");
    std::vector<bool> used(grammar_.rules.size());
    for (const Rule& rule : grammar_.rules) {
      for (const GrammarElement& element : rule) {
        if (element.type == Type::kRule) used[element.value] = true;
      }
    }
    for (size_t id = 0; id < grammar_.rules.size(); ++id) {
      // llama.cpp ignores an undefined name that only an overwritten rule used, unless a later rule is defined.
      if (!grammar_.rules[id].empty() || (!used[id] && id >= defined_)) continue;
      cursor_.FailAt(grammar_.positions[id], "a rule for '" + grammar_.names[id] + "', which is used here");
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
  } catch (const GrammarSyntaxError& error) {
    return GrammarError(text, error.position, "expected " + error.expected);
  }
}

}  // namespace autocog
