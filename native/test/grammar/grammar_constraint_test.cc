// Grammar constraints on tokens: at every position of random texts they allow the same tokens as
// llama.cpp's grammar sampler.

#include "engine/grammar/grammar_constraint.h"

#include <cmath>
#include <memory>
#include <random>
#include <string>

#include "engine/grammar/grammar_check.h"
#include "test/common/check.h"
#include "test/grammar/grammar_samples.h"
#include "test/session/session_support.h"

using autocog::GrammarConstraint;
using autocog::Vocabulary;
using autocog::test::Expect;

namespace {

constexpr float kNegativeInfinity = -INFINITY;

const Vocabulary& Default() { return autocog::test::LoadAs("F16")->vocabulary(); }

const Vocabulary& Large() {
  static const std::shared_ptr<autocog::Model> model = [] {
    autocog::ModelOptions options;
    options.vocab_only = true;
    return autocog::Model::Load("llama.cpp/models/ggml-vocab-qwen2.gguf", options, {}, autocog::test::Never()).value();
  }();
  return model->vocabulary();
}

std::unique_ptr<GrammarConstraint> Make(const Vocabulary& vocabulary, const std::string& text) {
  auto constraint = GrammarConstraint::Create(vocabulary, text, "root");
  Expect(constraint.ok(), constraint.ok() ? "" : constraint.status().message(), __FILE__, __LINE__);
  return constraint.ok() ? std::move(constraint.value()) : nullptr;
}

struct Free {
  void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
};
using Oracle = std::unique_ptr<llama_sampler, Free>;

std::vector<bool> Allowed(llama_sampler* oracle, const Vocabulary& vocabulary) {
  std::vector<llama_token_data> all;
  for (llama_token token = 0; token < vocabulary.size(); ++token) all.push_back({token, 0, 0});
  llama_token_data_array array{all.data(), all.size(), -1, false};
  llama_sampler_apply(oracle, &array);
  std::vector<bool> allowed;
  for (const auto& each : all) allowed.push_back(each.logit > kNegativeInfinity);
  return allowed;
}

std::vector<bool> Allowed(GrammarConstraint* constraint, const Vocabulary& vocabulary) {
  std::vector<llama_token_data> all;
  for (llama_token token = 0; token < vocabulary.size(); ++token) all.push_back({token, 0, 0});
  constraint->Mask(all.data(), all.size());
  std::vector<bool> allowed;
  for (const auto& each : all) allowed.push_back(each.logit > kNegativeInfinity);
  return allowed;
}

// False for tokens that start or end within a character or are invalid UTF-8. llama.cpp decodes these leniently, and
// the engine strictly, so they are not compared.
bool IsWholeUtf8(const std::string& bytes) {
  for (size_t i = 0; i < bytes.size();) {
    const auto first = static_cast<unsigned char>(bytes[i]);
    const size_t length = first < 0x80   ? 1
                          : first < 0xC2 ? 0
                          : first < 0xE0 ? 2
                          : first < 0xF0 ? 3
                          : first < 0xF5 ? 4
                                         : 0;
    if (length == 0 || i + length > bytes.size()) return false;
    for (size_t at = i + 1; at < i + length; ++at) {
      if ((static_cast<unsigned char>(bytes[at]) & 0xC0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

// Follows a random text of the grammar and compares the allowed tokens at each position.
void Compare(const Vocabulary& vocabulary, const std::string& text, int steps, std::mt19937* random) {
  auto constraint = Make(vocabulary, text);
  if (!constraint) return;
  const Oracle oracle(llama_sampler_init_grammar(vocabulary.raw(), text.c_str(), "root"));
  for (int step = 0; step < steps; ++step) {
    const std::vector<bool> expected = Allowed(oracle.get(), vocabulary);
    std::vector<llama_token> choices;
    for (llama_token token = 0; token < vocabulary.size(); ++token) {
      const bool is_end = vocabulary.IsEndOfGeneration(token);
      const std::string bytes(vocabulary.trie().Bytes(token));
      if (!is_end && !IsWholeUtf8(bytes)) continue;
      // On every other step, check single tokens before the mask of the whole vocabulary is computed.
      const bool is_expected = expected[static_cast<size_t>(token)];
      if (step % 2 == 0 && token % 7 == step % 7) {
        Expect(constraint->Allows(token) == is_expected,
               "token " + std::to_string(token) + " '" + bytes + "' of [[" + text + "]]", __FILE__, __LINE__);
      }
      if (is_expected && !is_end) choices.push_back(token);
    }
    const std::vector<bool> actual = Allowed(constraint.get(), vocabulary);
    for (llama_token token = 0; token < vocabulary.size(); ++token) {
      const std::string bytes(vocabulary.trie().Bytes(token));
      if (!vocabulary.IsEndOfGeneration(token) && !IsWholeUtf8(bytes)) continue;
      if (actual[static_cast<size_t>(token)] == expected[static_cast<size_t>(token)]) continue;
      Expect(false, "all: token " + std::to_string(token) + " '" + bytes + "' of [[" + text + "]]", __FILE__, __LINE__);
      return;
    }
    if (choices.empty()) return;
    const llama_token next = choices[std::uniform_int_distribution<size_t>(0, choices.size() - 1)(*random)];
    EXPECT(constraint->Accept(next).ok());
    llama_sampler_accept(oracle.get(), next);
  }
}

// Whether the grammar accepts a text, byte by byte.
bool Derives(const std::string& grammar, const std::string& text) {
  auto constraint = Make(Default(), grammar);
  if (!constraint) return false;
  for (const char each : text) {
    llama_token token = 0;
    while (token < Default().size() && Default().trie().Bytes(token) != std::string_view(&each, 1)) ++token;
    if (token == Default().size() || !constraint->Allows(token) || !constraint->Accept(token).ok()) return false;
  }
  return constraint->CanEnd();
}

}  // namespace

TEST_CASE("a grammar allows the tokens that llama.cpp's sampler allows") {
  std::mt19937 random(21);
  for (const std::string& sample : autocog::test::GrammarSamples()) {
    // Some samples have token literals that this vocabulary does not have.
    if (!autocog::CheckGrammar(Default(), sample, "root").ok()) continue;
    for (int i = 0; i < 4; ++i) Compare(Default(), sample, 25, &random);
  }
}

TEST_CASE("mutated grammars, which have unusual derivations, allow the same tokens") {
  std::mt19937 random(22);
  int compared = 0;
  for (const std::string& sample : autocog::test::GrammarSamples()) {
    if (sample.find('<') != std::string::npos) continue;
    for (int i = 0; i < 90; ++i) {
      const std::string text = autocog::test::MutateGrammar(sample, &random);
      if (text.find('<') != std::string::npos || !autocog::CheckGrammar(Default(), text, "root").ok()) continue;
      ++compared;
      Compare(Default(), text, 8, &random);
    }
  }
  Expect(compared > 200, std::to_string(compared) + " compared", __FILE__, __LINE__);
}

TEST_CASE("a vocabulary of 150,000 tokens is constrained as in llama.cpp") {
  std::mt19937 random(23);
  for (const std::string& sample : autocog::test::GrammarSamples()) {
    if (sample.size() < 300) continue;
    Compare(Large(), sample, 4, &random);
  }
  Compare(Large(), "root ::= [^\\x00-\\x7F]+ | \"é\"* [α-ω]+ .", 6, &random);
}

TEST_CASE("texts of the grammar are accepted completely, and others are not") {
  const std::string list = "root ::= \"[\" (item (\",\" item)*)? \"]\"\nitem ::= [0-9]{1,3} | root";
  EXPECT(Derives(list, "[]"));
  EXPECT(Derives(list, "[1,[22,333],[]]"));
  EXPECT(!Derives(list, "[1,[22,4444]]"));
  EXPECT(!Derives(list, "[1,[22]"));
  EXPECT(!Derives(list, "[1,]"));
  EXPECT(Derives("root ::= \"aé\\u4e2d\\U0001F600\" .", "aé中😀€"));
  EXPECT(!Derives("root ::= [^é]", "é"));
  EXPECT(Derives("root ::= [^é]", "è"));
  EXPECT(Derives("root ::= ", ""));
  EXPECT(!Derives("root ::= ", "a"));
  EXPECT(Derives("root ::= (\"a\"? \"b\"?)* \"c\"?", "abbac"));
}

TEST_CASE("invalid UTF-8 is never allowed") {
  for (const char* bytes : {"\xFF", "\xC0\x80", "\xE0\x80", "\xED\xA0", "\xF4\x90", "\xF5", "\x80", "\xC3\x28"}) {
    EXPECT(!Derives("root ::= .*", bytes));
  }
  // A class without characters that start with the same byte, and one with such characters.
  EXPECT(!Derives("root ::= [a-z]", "é"));
  EXPECT(Derives("root ::= [^é]*", "ê"));
}

TEST_CASE("token literals match whole tokens only") {
  const auto tokens = Default().Tokenize("the cat", false, false).value();
  const llama_token first = tokens.front();
  auto constraint = Make(Default(), "root ::= <[" + std::to_string(first) + "]> !<[" + std::to_string(first) + "]>");
  for (llama_token token = 0; token < Default().size(); ++token) EXPECT(constraint->Allows(token) == (token == first));
  EXPECT(constraint->Accept(first).ok());
  const auto allowed = Allowed(constraint.get(), Default());
  EXPECT(!allowed[static_cast<size_t>(first)]);
  EXPECT(allowed[static_cast<size_t>(first) + 1] && !constraint->CanEnd());
  EXPECT(constraint->Accept(first + 1).ok() && constraint->CanEnd());
}

TEST_CASE("grammars whose number of derivations doubles with every character are matched") {
  const std::string twice = "root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"a\"";
  EXPECT(Derives(twice, std::string(300, 'a') + std::string(150, 'b') + std::string(149, 'c')));
  EXPECT(!Derives(twice, std::string(300, 'a') + std::string(300, 'b')));
  EXPECT(Derives("root ::= \"a\" root root | \"a\"", std::string(201, 'a')));
  std::string wide = "root ::= r0\n";
  for (int i = 0; i < 40; ++i) {
    const std::string next = "r" + std::to_string(i + 1);
    wide += "r" + std::to_string(i) + " ::= " + next + " \"a\" | " + next + " \"b\"\n";
  }
  EXPECT(Derives(wide + "r40 ::= \"x\"", "x" + std::string(40, 'b')));
}

TEST_CASE("the number of sets stays small for texts of any length") {
  auto constraint = Make(Default(), "root ::= \"[\" (root (\",\" root)*)? \"]\" | \"x\" root?");
  const auto by_text = [](const std::string& text) { return Default().Tokenize(text, false, false).value().front(); };
  const llama_token x = by_text("x");
  for (int i = 0; i < 200000; ++i) {
    if (!constraint->Allows(x) || !constraint->Accept(x).ok()) {
      EXPECT(false);
      break;
    }
  }
  // Nested so deeply that unused sets are freed on the way.
  const llama_token open = by_text("[");
  const llama_token close = by_text("]");
  bool accepted = true;
  for (int i = 0; i < 100000 && accepted; ++i) accepted = constraint->Allows(open) && constraint->Accept(open).ok();
  for (int i = 0; i < 100000 && accepted; ++i) accepted = constraint->Allows(close) && constraint->Accept(close).ok();
  EXPECT(accepted && constraint->CanEnd());
}
