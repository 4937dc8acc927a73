// Validation of GBNF grammars, and matching of texts against them.

#ifndef AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CHECK_H_
#define AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CHECK_H_

#include <string>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/grammar/grammar.h"
#include "engine/model/vocabulary.h"

namespace autocog {

// Parses and validates a grammar. kInvalidArgument with line, column and what was expected, for grammars
// that llama.cpp rejects or for which it would not terminate. Also rejects texts with null characters,
// more than 256 nested groups, and more than 4 million elements.
Result<Grammar> ReadGrammar(const Vocabulary& vocabulary, const std::string& text, const std::string& root);

Status CheckGrammar(const Vocabulary& vocabulary, const std::string& text, const std::string& root);

// Whether the grammar derives the UTF-8 text. Token elements of the grammar never match. The time is that of
// GrammarMatcher: linear for most grammars, cubic in the length of the text for ambiguous ones. kAborted or
// kClosed once `cancellation` is requested.
Result<bool> MatchesGrammar(const Vocabulary& vocabulary, const std::string& grammar, const std::string& root,
                            const std::string& text, const Cancellation& cancellation);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CHECK_H_
