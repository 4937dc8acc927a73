// Grammars to test with: llama.cpp's own, read from its tree, and changes of them.

#ifndef AUTOCOG_TEST_GRAMMAR_GRAMMAR_SAMPLES_H_
#define AUTOCOG_TEST_GRAMMAR_GRAMMAR_SAMPLES_H_

#include <random>
#include <string>
#include <vector>

#include "engine/model/vocabulary.h"

namespace autocog::test {

// grammars/*.gbnf and what tests/test-grammar-parser.cpp parses, good and bad.
const std::vector<std::string>& GrammarSamples();

// A sample with some of its bytes, or bytes of a grammar's kind, moved, lost or put in.
std::string MutateGrammar(const std::string& text, std::mt19937* random);

// Whether llama.cpp takes a grammar; what it prints to stderr is lost.
bool LlamaTakesGrammar(const Vocabulary& vocabulary, const std::string& text);

}  // namespace autocog::test

#endif  // AUTOCOG_TEST_GRAMMAR_GRAMMAR_SAMPLES_H_
