// The check of grammars: takes and refuses what llama.cpp does, and says where the mistake is.

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

// llama.cpp would go on for ever.
bool IsEndless(const std::string& message) {
  return message.find("behind rules that can be empty") != std::string::npos ||
         message.find("as many repetitions at most") != std::string::npos;
}

std::string Repeat(const std::string& text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("grammars are taken and refused as llama.cpp takes and refuses them") {
  std::mt19937 random(11);
  int taken = 0;
  int refused = 0;
  for (const std::string& sample : autocog::test::GrammarSamples()) {
    for (int i = 0; i < 400; ++i) {
      const std::string text = i == 0 ? sample : autocog::test::MutateGrammar(sample, &random);
      if (text.empty()) continue;
      const autocog::Status status = CheckGrammar(Vocab(), text, "root");
      if (IsEndless(status.message())) continue;
      const bool wanted = autocog::test::LlamaTakesGrammar(Vocab(), text);
      ++(wanted ? taken : refused);
      Expect(status.ok() == wanted,
             "llama.cpp " + std::string(wanted ? "takes" : "refuses") + " [[" + text + "]]: " + status.message(),
             __FILE__, __LINE__);
    }
  }
  Expect(taken > 1000 && refused > 1000, std::to_string(taken) + " taken, " + std::to_string(refused) + " refused",
         __FILE__, __LINE__);
}

TEST_CASE("a mistake is told with its line, its column and what was expected") {
  const std::pair<std::string, std::string> mistakes[] = {
      {"", "Line 1, column 1: expected a rule, as root ::= \"yes\" | \"no\", got the end of the text"},
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
       "Line 1, column 13: expected at least as many repetitions at most as at least, got '{3,2}'"},
      {"root ::= \"a\"\n\nroot2 ::= foo",
       "Line 3, column 11: expected a rule for 'foo', which is used here, got 'foo'"},
      {"start ::= \"a\"", "Line 1, column 1: expected a rule for the start symbol 'root', got 'start ::= \"a\"'"},
      {"root ::= a \"x\"\na ::= b\nb ::= root | \"y\"",
       "Line 1, column 1: expected no left recursion, got root → a → b → root"},
      {"root ::= g root \"x\" | \"y\"\ng ::= h\nh ::= \"a\" | ",
       "Line 1, column 1: expected no left recursion behind rules that can be empty, got root → root"},
      {"root ::= <nonsense>", "Line 1, column 10: expected a text that is one token, got "},
      {"root ::= !\"a\"", "Line 1, column 11: expected '<' and a token after '!', got '\"a\"'"},
      {std::string("root ::= \"a\0\"", 13), "Line 1, column 12: expected a text without null characters, got one"},
  };
  for (const auto& [text, wanted] : mistakes) {
    const autocog::Status status = CheckGrammar(Vocab(), text, "root");
    EXPECT(status.code() == Code::kInvalidArgument);
    Expect(status.message().substr(0, wanted.size()) == wanted, status.message() + " for " + wanted, __FILE__,
           __LINE__);
  }
}

TEST_CASE("what would use up llama.cpp's time, stack or memory is refused or taken at once") {
  const auto begin = std::chrono::steady_clock::now();
  // Each rule begins with the next in two ways: 2^40 ways in all.
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
