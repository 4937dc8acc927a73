// Long texts are tokenized in pieces, with the tokens of the whole.

#include <cstdint>
#include <cstdio>
#include <iterator>
#include <string>

#include "engine/model/model.h"
#include "engine/model/text_cutter.h"
#include "test/common/check.h"

namespace autocog {

namespace {

constexpr size_t kWhole = SIZE_MAX / 4;

const char* const kNames[] = {"aquila",    "baichuan",     "bert-bge",  "command-r",      "deepseek-coder",
                              "falcon",    "deepseek-llm", "gemma-4",   "gpt-2",          "gpt-neox",
                              "llama-bpe", "llama-spm",    "mpt",       "nomic-bert-moe", "phi-3",
                              "qwen2",     "qwen35",       "starcoder", "refact"};

// Words, digits, punctuation, white space of every kind, other scripts, emoji, and the characters that stand
// for a space in vocabularies.
const char* const kUnits[] = {
    "the",    " quick", " brown fox", " a",       "I",          " 12345",   "6",
    "don't",  ", ",     ".",          "\n",       "\n\n",       "  ",       "    ",
    "\t",     " \n ",   "=",          "==",       "()",         " {",       "é",
    " naïve", "ÄÖ",     "中文",       "日本語",   " слово",     "😀",       "👩‍👩‍👧",
    "▁",      "Ġ",      "<s>",        " </s>",    "<|im_end|>", "\xcc\x81", "x y z",
    "HTML ",  "_a_",    "\r\n",       "a\u0301b", " A B"};

struct Random {
  uint32_t state = 1;
  uint32_t Below(uint32_t count) {
    state = state * 1664525u + 1013904223u;
    return static_cast<uint32_t>((uint64_t{state} * count) >> 32);
  }
};

// The texts of a vocabulary's special tokens.
std::vector<std::string> SpecialsOf(const Vocabulary& vocabulary) {
  constexpr int kSpecial = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED | LLAMA_TOKEN_ATTR_UNKNOWN;
  std::vector<std::string> texts;
  for (llama_token token = 0; token < vocabulary.size(); ++token) {
    if ((llama_vocab_get_attr(vocabulary.raw(), token) & kSpecial) == 0) continue;
    texts.push_back(llama_vocab_get_text(vocabulary.raw(), token));
  }
  return texts;
}

// Every second unit is one of `specials`, or a part of one, if `dense`.
std::string MakeText(Random* random, size_t bytes, const std::vector<std::string>& specials, bool dense) {
  std::string text;
  constexpr auto kCount = static_cast<uint32_t>(std::size(kUnits));
  while (text.size() < bytes) {
    std::string unit = kUnits[random->Below(kCount)];
    if (!specials.empty() && dense && random->Below(4) > 0) {
      unit = specials[random->Below(static_cast<uint32_t>(specials.size()))];
      if (random->Below(8) == 0) unit = unit.substr(0, random->Below(static_cast<uint32_t>(unit.size() + 1)));
      text += unit;
      continue;
    }
    // Sometimes a run, or plain words, in which there are seams.
    uint32_t repeat = 1;
    if (random->Below(8) == 0) repeat = 1 + random->Below(40);
    for (uint32_t i = 0; i < repeat; ++i) text += unit;
    if (random->Below(3) == 0) text += " and so on we go with some plain words";
  }
  return text;
}

}  // namespace

TEST_CASE("a text has the tokens of its pieces, for every vocabulary") {
  int found = 0;
  size_t pieces = 0;
  for (const char* name : kNames) {
    ModelOptions options;
    options.vocab_only = true;
    const std::string path = std::string("llama.cpp/models/ggml-vocab-") + name + ".gguf";
    auto model = Model::Load(path, options, {}, Cancellation(nullptr, nullptr));
    EXPECT(model.ok());
    if (!model.ok()) continue;
    ++found;
    const Vocabulary& vocabulary = model.value()->vocabulary();
    const TextCutter cutter(vocabulary.raw());
    const std::vector<std::string> specials = SpecialsOf(vocabulary);
    Random random;
    for (int round = 0; round < 120; ++round) {
      const std::string text = MakeText(&random, 200 + random.Below(1500), specials, round % 4 == 1);
      const bool special = round % 2 == 0;
      const bool parse = round % 3 != 0;
      auto whole = vocabulary.Tokenize(text, special, parse, Cancellation(nullptr, nullptr), kWhole);
      auto parts = vocabulary.Tokenize(text, special, parse, Cancellation(nullptr, nullptr), 16);
      EXPECT(whole.ok() && parts.ok());
      if (!whole.ok() || !parts.ok()) return;
      if (whole.value() != parts.value()) std::fprintf(stderr, "# %s, round %d\n", name, round);
      EXPECT(whole.value() == parts.value());
      pieces += cutter.Cut(text, 16, parse).size();
    }
  }
  EXPECT(found == static_cast<int>(std::size(kNames)));
  EXPECT(pieces > 10000);
}

}  // namespace autocog
