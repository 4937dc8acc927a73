// A parsed GBNF grammar: each rule as a list of elements, in the same layout as llama.cpp's. Produced by
// ParseGrammar; used by the checks and by GrammarMatcher.

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
    kEnd,        // end of a rule
    kAlternate,  // end of an alternative that is not the last
    kRule,       // value: index of the referenced rule
    kChar,       // value: a code point
    kNotChar,    // start of a negated class; value: its first code point
    kRangeEnd,   // makes the previous element a range; value: its last code point
    kOrChar,     // value: another code point of the same class
    kAny,        // any code point
    kToken,      // value: a token id
    kNotToken,   // any token except this one
  };
  Type type;
  uint32_t value;
};

inline bool EndsAlternative(const GrammarElement& element) {
  return element.type == GrammarElement::Type::kEnd || element.type == GrammarElement::Type::kAlternate;
}

struct Grammar {
  // Per rule: its concatenated alternatives; empty for a name without a definition.
  std::vector<std::vector<GrammarElement>> rules;
  // Per rule: its name, or for a generated rule that of the rule it is part of; and the position of its
  // first mention in the text.
  std::vector<std::string> names;
  std::vector<size_t> positions;
  size_t root = 0;
};

// An error "Line 3, column 7: <message>": both are 1-based, columns count code points. Appends
// ", got <text at the position>" unless the message has a ", got ".
Status GrammarError(const std::string& text, size_t position, const std::string& message);

// kInvalidArgument, with the position, where llama.cpp's parser fails or would not terminate. In the
// result, all referenced rules are defined.
Result<Grammar> ParseGrammar(const Vocabulary& vocabulary, const std::string& text, const std::string& root);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_H_
