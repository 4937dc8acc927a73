// All texts that tokens add, as one trie: what begins alike is looked at once. Made from a vocabulary
// when a grammar first needs it; const, safe from any thread.

#ifndef AUTOCOG_ENGINE_MODEL_TOKEN_TRIE_H_
#define AUTOCOG_ENGINE_MODEL_TOKEN_TRIE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "llama.h"

namespace autocog {

class TokenTrie {
 public:
  // Nodes stand in the order of their bytes, children behind their parent.
  struct Node {
    uint32_t end;          // the index behind the last node below this one
    uint32_t first_token;  // of tokens(); those of a node end where the next node's begin
    uint32_t depth;        // 1 for the first byte of a text
    uint8_t byte;
  };

  // The bytes of each token by its id; tokens with none, or beginning with a null, are in no node.
  explicit TokenTrie(const std::vector<std::string>& bytes);

  // With one more at the end, for the last one's tokens.
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<llama_token>& tokens() const { return tokens_; }
  uint32_t greatest_depth() const { return greatest_depth_; }

  // Empty for a token in no node. REQUIRES: a token of the vocabulary.
  std::string_view Bytes(llama_token token) const;

 private:
  std::vector<Node> nodes_;
  std::vector<llama_token> tokens_;
  uint32_t greatest_depth_ = 0;
  std::string bytes_;
  std::vector<size_t> starts_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_TOKEN_TRIE_H_
