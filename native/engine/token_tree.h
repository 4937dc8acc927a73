// A trie of token paths, flattened in depth-first order: the form in which it comes from
// JavaScript and in which it is decoded. Immutable; any thread.

#ifndef AUTOCOG_ENGINE_TOKEN_TREE_H_
#define AUTOCOG_ENGINE_TOKEN_TREE_H_

#include <cstdint>
#include <vector>

#include "engine/status.h"
#include "engine/vocabulary.h"

namespace autocog {

// Invariants: node 0 is the root, the end of the prompt; parent[i] < i; the nodes below any
// node follow it without a gap.
class TokenTree {
 public:
  // kInvalidArgument where the arrays are not such a tree, kOutOfRange for a foreign token.
  // `end_at[i]` is 1 where the probability of ending after node i is wanted.
  static Result<TokenTree> Make(std::vector<int32_t> tokens, std::vector<int32_t> parents, std::vector<uint8_t> end_at,
                                const Vocabulary& vocabulary);

  int size() const { return static_cast<int>(parents_.size()); }
  llama_token token(int node) const { return tokens_[static_cast<size_t>(node)]; }
  int parent(int node) const { return parents_[static_cast<size_t>(node)]; }
  // Tokens from the prompt's end to the node; 0 for the root.
  int depth(int node) const { return depths_[static_cast<size_t>(node)]; }
  bool wants_end(int node) const { return end_at_[static_cast<size_t>(node)] != 0; }
  const std::vector<int>& children(int node) const { return children_[static_cast<size_t>(node)]; }
  // Whether the logits after the node are needed. A childless node's own probability stands
  // in its parent's row.
  bool needs_row(int node) const { return wants_end(node) || !children(node).empty(); }
  // Positions that decoding takes beyond the prompt.
  int decoded_depth() const { return decoded_depth_; }
  // The nodes but the root that need a row, in order.
  const std::vector<int>& decoded() const { return decoded_; }

 private:
  TokenTree() = default;

  std::vector<int32_t> tokens_;
  std::vector<int32_t> parents_;
  std::vector<uint8_t> end_at_;
  std::vector<int> depths_;
  std::vector<std::vector<int>> children_;
  std::vector<int> decoded_;
  int decoded_depth_ = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_TOKEN_TREE_H_
