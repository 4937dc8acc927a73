// A trie of the texts of all tokens, so that common prefixes are processed once. Created by Vocabulary
// when a grammar first needs it. Immutable, so thread-safe.

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
  // Nodes are in depth-first order, siblings in the order of their bytes. The root has no node.
  struct Node {
    uint32_t end;          // the index after the last node of the subtree
    uint32_t first_token;  // index in tokens(); a node's tokens end where those of the next node start
    uint32_t depth;        // 1 for the first byte of a text
    uint8_t byte;
  };

  // `bytes`: the text of each token by id. Tokens without text, or starting with a null byte, are omitted.
  explicit TokenTrie(const std::vector<std::string>& bytes);

  // Followed by a sentinel, which marks the end of the last node's tokens.
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<llama_token>& tokens() const { return tokens_; }
  uint32_t max_depth() const { return max_depth_; }

  // Empty for an omitted token. REQUIRES: a token of the vocabulary.
  std::string_view Bytes(llama_token token) const;

 private:
  std::vector<Node> nodes_;
  std::vector<llama_token> tokens_;
  uint32_t max_depth_ = 0;
  std::string bytes_;
  std::vector<size_t> starts_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_TOKEN_TRIE_H_
