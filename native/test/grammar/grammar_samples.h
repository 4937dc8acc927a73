// Grammars for tests: llama.cpp's own, read from its source tree, and mutations of them.

#ifndef AUTOCOG_TEST_GRAMMAR_GRAMMAR_SAMPLES_H_
#define AUTOCOG_TEST_GRAMMAR_GRAMMAR_SAMPLES_H_

#include <random>
#include <string>
#include <vector>

#include "engine/model/vocabulary.h"

namespace autocog::test {

// llama.cpp's grammars/*.gbnf and the valid and invalid grammars of its tests/test-grammar-parser.cpp.
const std::vector<std::string>& GrammarSamples();

// A random mutation of a grammar: deletes, inserts, replaces or copies bytes or grammar syntax.
std::string MutateGrammar(const std::string& text, std::mt19937* random);

// Whether llama.cpp accepts a grammar. Discards what it prints to stderr.
bool LlamaAcceptsGrammar(const Vocabulary& vocabulary, const std::string& text);

}  // namespace autocog::test

#endif  // AUTOCOG_TEST_GRAMMAR_GRAMMAR_SAMPLES_H_
