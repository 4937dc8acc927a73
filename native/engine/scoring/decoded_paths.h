// The decoded paths of a tree that a search extends, in a KV cache: which branch of the KV cache holds which path,
// which branch to extend, and which path to evict if room runs out. Evicted nodes that are needed again are decoded
// again.

#ifndef AUTOCOG_ENGINE_SCORING_DECODED_PATHS_H_
#define AUTOCOG_ENGINE_SCORING_DECODED_PATHS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/common/usage.h"
#include "engine/context/batch.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/scoring/token_tree.h"
#include "engine/scoring/tree_decoder.h"

namespace autocog {

class DecodedPaths : public TreeDecoder {
 public:
  // All references must outlive this. `slot` has the prompt of `prompt_length` tokens.
  DecodedPaths(Context* context, PrefixCache* cache, const TokenTree& tree, int slot, int prompt_length);
  // Removes all cells beyond the prompt from all branches.
  ~DecodedPaths() override;
  DecodedPaths(const DecodedPaths&) = delete;
  DecodedPaths& operator=(const DecodedPaths&) = delete;

  // Has the next Decode() also decode the tokens of the prompt that Ensure() left to the caller (see
  // PrefixCache::Deferred()), and pass on the row after them as that of node 0. `prompt` must outlive this.
  // REQUIRES: nothing is decoded yet, and all nodes that the next Decode() requests fit in one batch with
  // these tokens.
  void DecodePrompt(const Tokens& prompt);

  // As many nodes as fit in one batch.
  Status Decode(const std::vector<int>& requested, const std::vector<OpenNode>& open_nodes, const OnRows& on_rows,
                const Cancellation& cancellation, Usage* usage) override;
  // Gives up all paths that lead to none of these nodes.
  void Keep(const std::vector<OpenNode>& open_nodes) override;

 private:
  struct Branch {
    std::vector<int> path;  // the nodes it holds, from the root
    int tip = -1;           // the last node that the pending batch adds, or -1
    bool claimed = false;   // used by the pending batch
  };

  bool Holds(int branch, int node) const;
  bool IsHeld(int node) const { return node == 0 || holder_[static_cast<size_t>(node)] >= 0; }
  std::vector<int> PathTo(int node) const;
  // The nodes on the path to `node`, inclusive, that are neither held nor planned, deepest first.
  std::vector<int> MissingTo(int node) const;
  // Starts a batch of up to `count` nodes and their ancestors.
  void Begin(int count);
  // Adds a node and its missing ancestors to the pending batch. Returns false if there is no room.
  bool Add(int node, bool needs_row);
  // Decodes missing ancestors of `node` until the rest of its path fits in one batch.
  Status DecodeAncestors(int node, const Cancellation& cancellation, Usage* usage);
  // Claims a branch that holds exactly the path to a held node; -1 if none is available.
  int Claim(int node);
  int FreeBranch() const;
  // Per branch, the highest priority of the open nodes to which its path leads; −inf if there are none.
  std::vector<double> Priorities(const std::vector<OpenNode>& open_nodes) const;
  // Evicts the path with the lowest priority, other than that of `kept`. Returns false if there is none.
  bool EvictPath(int kept);
  void Drop(int branch);
  // Decodes the pending batch.
  Status Submit(const Cancellation& cancellation, Usage* usage);

  Context* context_;
  PrefixCache* cache_;
  const TokenTree& tree_;
  const int slot_;
  const int prompt_length_;
  std::vector<Branch> branches_;
  std::vector<int> holder_;  // per node: a branch that holds it, or -1
  int cells_ = 0;            // number of held nodes
  int room_ = 0;             // number of cells available to these and the batch
  // The pending batch.
  const std::vector<OpenNode>* open_nodes_ = nullptr;
  std::vector<int> plan_;           // its nodes
  std::vector<uint8_t> planned_;    // per node: 1 if it is in plan_,
  std::vector<uint8_t> needs_row_;  // ... and 1 if its row is needed
  int rows_ = 0;
  const Tokens* prompt_ = nullptr;  // with tokens that the pending batch has to decode first
  int deferred_ = 0;                // the number of these
  Batch batch_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_DECODED_PATHS_H_
