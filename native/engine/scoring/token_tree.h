// A trie of token paths: either flattened in depth-first order, which is how JavaScript passes it, or grown
// node by node by a search. Not thread-safe while it grows.

#ifndef AUTOCOG_ENGINE_SCORING_TOKEN_TREE_H_
#define AUTOCOG_ENGINE_SCORING_TOKEN_TREE_H_

#include <cstdint>
#include <vector>

#include "engine/common/status.h"
#include "engine/model/vocabulary.h"

namespace autocog {

// The bits of a node's flags.
enum NodeFlags : uint8_t {
  kScoreEnd = 1,  // score the end tokens after the node
  kGiven = 2,     // do not score the node's own token: it is part of a prompt
};

// Invariants: node 0 is the root, which stands for the end of the prompt; parent(i) < i; unless the tree was
// grown, the nodes of a subtree are contiguous.
class TokenTree {
 public:
  // kInvalidArgument if the arrays are not such a tree, kOutOfRange for a token not in the vocabulary.
  static Result<TokenTree> Make(std::vector<int32_t> tokens, std::vector<int32_t> parents, std::vector<uint8_t> flags,
                                const Vocabulary& vocabulary);
  // Only a root, below which nodes are added.
  static TokenTree Root();

  // Adds a node and returns it. REQUIRES: a token in the vocabulary, here and below.
  int Add(int parent, llama_token token);
  // The child with this token, which is added if there is none.
  int Child(int parent, llama_token token);
  // Has needs_row(node) return true.
  void RequestRow(int node) { needs_row_[static_cast<size_t>(node)] = 1; }

  int size() const { return static_cast<int>(parents_.size()); }
  llama_token token(int node) const { return tokens_[static_cast<size_t>(node)]; }
  int parent(int node) const { return parents_[static_cast<size_t>(node)]; }
  // The number of tokens from the prompt's end to the node; 0 for the root.
  int depth(int node) const { return depths_[static_cast<size_t>(node)]; }
  bool needs_end(int node) const { return (flags_[static_cast<size_t>(node)] & kScoreEnd) != 0; }
  bool given(int node) const { return (flags_[static_cast<size_t>(node)] & kGiven) != 0; }
  const std::vector<int>& children(int node) const { return children_[static_cast<size_t>(node)]; }
  // Whether the logits after the node are needed: they have the probabilities of its children and of
  // ending there, not its own.
  bool needs_row(int node) const { return needs_row_[static_cast<size_t>(node)] != 0; }
  // The number of positions beyond the prompt that decoding uses: for a tree that grows, the greatest depth.
  int decoded_depth() const { return decoded_depth_; }
  // The nodes that have to be decoded, in order: those with children or a scored end, without the root. Empty
  // for a tree that grows.
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
