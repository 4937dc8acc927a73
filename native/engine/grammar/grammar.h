// A grammar in llama.cpp's notation (GBNF) as its rules' elements, laid out as llama.cpp lays them
// out. Made by ParseGrammar; read by the checks and by the matcher.

#ifndef AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_H_
#define AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/common/status.h"
#include "engine/model/vocabulary.h"

namespace autocog {

struct GrammarElement {
  enum class Type : uint8_t {
    kEnd,        // of a rule
    kAlternate,  // of one alternative, before the next
    kRule,       // value: the rule that is referred to
    kChar,       // value: a code point
    kNotChar,    // any code point but this one and those that follow it
    kRangeEnd,   // makes the element before it a range, up to and including value
    kOrChar,     // one more code point of the class before it
    kAny,        // any code point
    kToken,      // value: a token's id
    kNotToken,   // any token but this one
  };
  Type type;
  uint32_t value;
};

inline bool EndsAlternative(const GrammarElement& element) {
  return element.type == GrammarElement::Type::kEnd || element.type == GrammarElement::Type::kAlternate;
}

struct Grammar {
  // Each with its alternatives one after the other; empty for a name that has no rule.
  std::vector<std::vector<GrammarElement>> rules;
  // Of each rule: what it is called, or for a part of a rule what that is called; and where in
  // the text it was first spoken of.
  std::vector<std::string> names;
  std::vector<size_t> places;
  size_t root = 0;
};

// "Line 3, column 7: <what>", both counted from 1, columns in code points.
Status GrammarError(const std::string& text, size_t place, const std::string& what);

// kInvalidArgument, with the place, where llama.cpp's parser fails, or would not come to an end.
// The rules that are referred to exist.
Result<Grammar> ParseGrammar(const Vocabulary& vocabulary, const std::string& text, const std::string& root);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_H_
