// Validation of grammars: accepts and rejects the same as llama.cpp, and reports the position of errors.

#include "engine/grammar/grammar_check.h"

#include <chrono>
#include <random>
#include <string>

#include "test/common/check.h"
#include "test/grammar/grammar_samples.h"
#include "test/session/session_support.h"

using autocog::CheckGrammar;
using autocog::Code;
using autocog::test::Expect;

namespace {

const autocog::Vocabulary& Vocab() { return autocog::test::LoadAs("F16")->vocabulary(); }

std::string Message(const std::string& text) { return CheckGrammar(Vocab(), text, "root").message(); }

// Whether the error is for a grammar for which llama.cpp would not terminate.
bool IsEndless(const std::string& message) {
  return message.find("behind rules that can be empty") != std::string::npos ||
         message.find("a maximum number of repetitions") != std::string::npos;
}

std::string Repeat(const std::string& text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("grammars are accepted and rejected as by llama.cpp") {
  std::mt19937 random(11);
  int accepted = 0;
  int rejected = 0;
  for (const std::string& sample : autocog::test::GrammarSamples()) {
    for (int i = 0; i < 400; ++i) {
      const std::string text = i == 0 ? sample : autocog::test::MutateGrammar(sample, &random);
      if (text.empty()) continue;
      const autocog::Status status = CheckGrammar(Vocab(), text, "root");
      if (IsEndless(status.message())) continue;
      const bool expected = autocog::test::LlamaAcceptsGrammar(Vocab(), text);
      ++(expected ? accepted : rejected);
      Expect(status.ok() == expected,
             "llama.cpp " + std::string(expected ? "accepts" : "rejects") + " [[" + text + "]]: " + status.message(),
             __FILE__, __LINE__);
    }
  }
  Expect(accepted > 1000 && rejected > 1000,
         std::to_string(accepted) + " accepted, " + std::to_string(rejected) + " rejected", __FILE__, __LINE__);
}

TEST_CASE("a syntax error is reported with line, column and what was expected") {
  const std::pair<std::string, std::string> errors[] = {
      {"", "Line 1, column 1: expected a rule such as root ::= \"yes\" | \"no\", got the end of the text"},
      {"root = \"a\"", "Line 1, column 6: expected '::=' after the name of a rule, got '= \"a\"'"},
      {"root ::= \"é\" )", "Line 1, column 14: expected an item, '|' or the end of the line, got ')'"},
      {"# c\nroot ::= (\"a\"\n  | \"b\"",
       "Line 3, column 8: expected an item, '|' or ')' within a group, got the end of the text"},
      {"root ::= \"a", "Line 1, column 12: expected '\"' at the end of a literal, got the end of the text"},
      {"root ::= [a", "Line 1, column 12: expected ']' at the end of a class, got the end of the text"},
      {"root ::= \"\\q\"",
       "Line 1, column 11: expected one of \\t \\r \\n \\\\ \\\" \\[ \\] \\- \\xHH \\uHHHH \\UHHHHHHHH, got '\\q\"'"},
      {"root ::= \"\\xg1\"", "Line 1, column 13: expected 2 hexadecimal digits, got 'g1\"'"},
      {"root ::= * \"a\"", "Line 1, column 10: expected an item before a repetition, got '* \"a\"'"},
      {"root ::= \"a\"{x}", "Line 1, column 14: expected a number of repetitions, got 'x}'"},
      {"root ::= \"a\"{2",
       "Line 1, column 15: expected ',' or '}' after a number of repetitions, got the end of the text"},
      {"root ::= \"a\"{2001}", "Line 1, column 13: expected at most 2000 repetitions, got 2001"},
      {"root ::= \"a\"{3,2}",
       "Line 1, column 13: expected a maximum number of repetitions that is at least the minimum, got '{3,2}'"},
      {"root ::= \"a\"\n\nroot2 ::= foo",
       "Line 3, column 11: expected a rule for 'foo', which is used here, got 'foo'"},
      {"start ::= \"a\"", "Line 1, column 1: expected a rule for the start symbol 'root', got 'start ::= \"a\"'"},
      {"root ::= a \"x\"\na ::= b\nb ::= root | \"y\"",
       "Line 1, column 1: expected no left recursion, got root → a → b → root"},
      {"root ::= g root \"x\" | \"y\"\ng ::= h\nh ::= \"a\" | ",
       "Line 1, column 1: expected no left recursion behind rules that can be empty, got root → root"},
      {"root ::= <nonsense>", "Line 1, column 10: expected text that is a single token, got "},
      {"root ::= !\"a\"", "Line 1, column 11: expected '<' and a token after '!', got '\"a\"'"},
      {std::string("root ::= \"a\0\"", 13), "Line 1, column 12: expected a text without null characters, got one"},
  };
  for (const auto& [text, expected] : errors) {
    const autocog::Status status = CheckGrammar(Vocab(), text, "root");
    EXPECT(status.code() == Code::kInvalidArgument);
    Expect(status.message().substr(0, expected.size()) == expected, status.message() + " for " + expected, __FILE__,
           __LINE__);
  }
}

TEST_CASE("grammars that would exhaust llama.cpp's time, stack or memory are handled quickly") {
  const auto begin = std::chrono::steady_clock::now();
  // Each rule starts with the next one in two ways: 2^40 derivations.
  std::string wide;
  for (int i = 0; i < 40; ++i)
    wide += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + " | r" + std::to_string(i + 1) + "\n";
  EXPECT(Message(wide + "r40 ::= \"a\"\nroot ::= r0") == "");
  std::string deep = "root ::= r0\n";
  for (int i = 0; i < 50000; ++i) deep += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
  EXPECT(Message(deep + "r50000 ::= \"a\"") == "");
  EXPECT(Message("root ::= " + Repeat("(", 256) + "\"a\"" + Repeat(")", 256)) == "");
  EXPECT(Message("root ::= " + Repeat("(", 100000) + "\"a\"" + Repeat(")", 100000)).find("at most 256 groups") !=
         std::string::npos);
  EXPECT(Message("root ::= \"" + Repeat("a", 100000) + "\"{2000}").find("4194304 elements") != std::string::npos);
  EXPECT(Message("root ::= \"" + Repeat("a", 1000000) + "\"") == "");
  EXPECT(Message("root ::= " + Repeat("\"a\"{0,2000} ", 1000)).find("4194304 elements") != std::string::npos);
  EXPECT(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}
