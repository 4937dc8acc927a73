// Where a tokenizer finds special tokens in a text: before anything else, the longest ones first. They divide
// the text, so that it can be cut in front of each. Immutable.

#ifndef AUTOCOG_ENGINE_MODEL_SPECIAL_TEXTS_H_
#define AUTOCOG_ENGINE_MODEL_SPECIAL_TEXTS_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "llama.h"

namespace autocog {

class SpecialTexts {
 public:
  // Adds a token. Texts that are empty are ignored.
  void Add(const std::string& text, llama_token_attr attributes);

  // The offsets in the text, ascending, where a special token starts, or the white space before it that it
  // removes. Control tokens count only with `parse_special`. Empty also where tokens overlap in a way that
  // leaves open which one the tokenizer finds. Time: the text's length times the number of different lengths.
  std::vector<size_t> Find(const std::string& text, bool parse_special) const;

 private:
  struct Match {
    size_t at;
    uint32_t length;
    int attributes;
  };

  // Calls `use` with each token that starts there.
  template <typename Use>
  void EachAt(const std::string& text, size_t at, bool parse_special, const Use& use) const;

  // The node that a byte leads to from a node; 0 if there is none. Node 0 is the root.
  uint32_t Next(uint32_t node, char byte) const;

  // A trie of the tokens.
  std::unordered_map<uint64_t, uint32_t> edges_;
  std::vector<int> attributes_ = {0};  // by node: those of the token that ends there; 0 if none does
  std::bitset<256> first_bytes_;
  std::vector<uint32_t> lengths_;  // of the tokens, descending
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_SPECIAL_TEXTS_H_
