// See grammar_samples.h.

#include "test/grammar/grammar_samples.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "llama.h"

namespace autocog::test {

namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

size_t Below(std::mt19937* random, size_t size) { return std::uniform_int_distribution<size_t>(0, size - 1)(*random); }

}  // namespace

const std::vector<std::string>& GrammarSamples() {
  static const std::vector<std::string> samples = [] {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("llama.cpp/grammars")) {
      if (entry.path().extension() == ".gbnf") found.push_back(ReadAll(entry.path().string()));
    }
    const std::string source = ReadAll("llama.cpp/tests/test-grammar-parser.cpp");
    const std::string open = "R\"\"\"(";
    for (size_t at = source.find(open); at != std::string::npos; at = source.find(open, at)) {
      at += open.size();
      found.push_back(source.substr(at, source.find(")\"\"\"", at) - at));
    }
    return found;
  }();
  return samples;
}

std::string MutateGrammar(const std::string& text, std::mt19937* random) {
  static const std::vector<std::string> pieces = {
      "\"",         "[",     "]",      "(",        ")",   "*",     "+",      "?",        "{2}",   "{0,3}",
      "{1,}",       "{3,1}", "{2001}", "{0}",      "|",   "::=",   "\n",     "\r\n",     " ",     "# c",
      "root",       "a",     "-",      "^",        "\\",  "\\x4",  "\\n",    "\\u00e9",  "<[5]>", "!<[7]>",
      "<|im_end|>", "<",     ">",      ".",        "é",   "\"b\"", "[^a-z]", "{0,1999}", "\xE2",  "\x01",
      "()",         "\"\"",  "[]",     "foo ::= ", "| |", "\t"};
  std::string changed = text;
  const size_t changes = 1 + Below(random, 3);
  for (size_t i = 0; i < changes && !changed.empty(); ++i) {
    const size_t at = Below(random, changed.size());
    const size_t length = 1 + Below(random, 6);
    switch (Below(random, 4)) {
      case 0:
        changed.erase(at, length);
        break;
      case 1:
        changed.insert(at, pieces[Below(random, pieces.size())]);
        break;
      case 2:
        changed.replace(at, length, pieces[Below(random, pieces.size())]);
        break;
      default:
        changed.insert(Below(random, changed.size()), changed.substr(at, length));
    }
  }
  return changed;
}

bool LlamaAcceptsGrammar(const Vocabulary& vocabulary, const std::string& text) {
  std::fflush(stderr);
  const int saved = dup(2);
  const int null_device = open("/dev/null", O_WRONLY);
  dup2(null_device, 2);
  llama_sampler* grammar = llama_sampler_init_grammar(vocabulary.raw(), text.c_str(), "root");
  std::fflush(stderr);
  dup2(saved, 2);
  close(saved);
  close(null_device);
  llama_sampler_free(grammar);
  return grammar != nullptr;
}

}  // namespace autocog::test
