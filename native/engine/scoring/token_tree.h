// A trie of token paths, flattened in depth-first order: the form in which it comes from
// JavaScript and in which it is decoded. Immutable; any thread.

#ifndef AUTOCOG_ENGINE_SCORING_TOKEN_TREE_H_
#define AUTOCOG_ENGINE_SCORING_TOKEN_TREE_H_

#include <cstdint>
#include <vector>

#include "engine/common/status.h"
#include "engine/model/vocabulary.h"

namespace autocog {

// What is particular about a node: bits of its flags.
enum NodeFlags : uint8_t {
  kEndWanted = 1,  // the probability of ending after the node is wanted
  kGiven = 2,      // the node's own probability is not wanted: it belongs to a prompt
};

// Invariants: node 0 is the root, the end of the prompt; parent[i] < i; the nodes below any
// node follow it without a gap.
class TokenTree {
 public:
  // kInvalidArgument where the arrays are not such a tree, kOutOfRange for a foreign token.
  static Result<TokenTree> Make(std::vector<int32_t> tokens, std::vector<int32_t> parents, std::vector<uint8_t> flags,
                                const Vocabulary& vocabulary);

  int size() const { return static_cast<int>(parents_.size()); }
  llama_token token(int node) const { return tokens_[static_cast<size_t>(node)]; }
  int parent(int node) const { return parents_[static_cast<size_t>(node)]; }
  // Tokens from the prompt's end to the node; 0 for the root.
  int depth(int node) const { return depths_[static_cast<size_t>(node)]; }
  bool wants_end(int node) const { return (flags_[static_cast<size_t>(node)] & kEndWanted) != 0; }
  bool given(int node) const { return (flags_[static_cast<size_t>(node)] & kGiven) != 0; }
  const std::vector<int>& children(int node) const { return children_[static_cast<size_t>(node)]; }
  // Whether the logits after the node are needed. A childless node's own probability stands
  // in its parent's row.
  bool needs_row(int node) const { return needs_row_[static_cast<size_t>(node)] != 0; }
  // Positions that decoding takes beyond the prompt.
  int decoded_depth() const { return decoded_depth_; }
  // The nodes but the root that have something after them, in order.
  const std::vector<int>& decoded() const { return decoded_; }

 private:
  TokenTree() = default;

  std::vector<int32_t> tokens_;
  std::vector<int32_t> parents_;
  std::vector<uint8_t> flags_;
  std::vector<uint8_t> needs_row_;
  std::vector<int> depths_;
  std::vector<std::vector<int>> children_;
  std::vector<int> decoded_;
  int decoded_depth_ = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_TOKEN_TREE_H_
