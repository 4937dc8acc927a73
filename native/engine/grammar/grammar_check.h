// Whether a text is a grammar that generation can follow.

#ifndef AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CHECK_H_
#define AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CHECK_H_

#include <string>

#include "engine/common/status.h"
#include "engine/grammar/grammar.h"
#include "engine/model/vocabulary.h"

namespace autocog {

// The parsed grammar, or kInvalidArgument with line, column and what was expected: takes what
// llama.cpp takes and refuses what it refuses, and what it would never be done with. A text with a
// null is refused; so are more than 256 groups within each other and more than 4 million elements.
Result<Grammar> ReadGrammar(const Vocabulary& vocabulary, const std::string& text, const std::string& root);

Status CheckGrammar(const Vocabulary& vocabulary, const std::string& text, const std::string& root);

// Whether a grammar derives a text of UTF-8, in which there is none of the tokens that it names.
Result<bool> MatchesGrammar(const Vocabulary& vocabulary, const std::string& grammar, const std::string& root,
                            const std::string& text);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CHECK_H_
