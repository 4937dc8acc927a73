// The decoded nodes of a tree that a search goes on from, as cells of the KV buffer: which
// branch holds which path, which to go on from, which to give up when room runs out. What was
// given up and is needed again is decoded again.

#ifndef AUTOCOG_ENGINE_SCORING_HELD_PATHS_H_
#define AUTOCOG_ENGINE_SCORING_HELD_PATHS_H_

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

namespace autocog {

// A node that was not decoded yet, and how much it is worth to be able to go on to it.
struct Prospect {
  int node = 0;
  double worth = 0;
};

class HeldPaths {
 public:
  // All must outlive this. The prompt of `prompt_length` tokens is in `slot`.
  HeldPaths(Context* context, PrefixCache* cache, const TokenTree& tree, int slot, int prompt_length);
  // Leaves nothing beyond the prompt on any branch.
  ~HeldPaths();
  HeldPaths(const HeldPaths&) = delete;
  HeldPaths& operator=(const HeldPaths&) = delete;

  // Decodes the first nodes of `wanted`, at least one and as many as fit in one batch, with
  // what is missing above them. Gives for each its place in the batch, for Context::Row().
  // `prospects` are all nodes that may be wanted, these or later ones.
  // REQUIRES: room in the KV buffer for the prompt and the deepest path.
  Result<std::vector<int>> Decode(const std::vector<int>& wanted, const std::vector<Prospect>& prospects,
                                  const Cancellation& cancellation, Usage* usage);

 private:
  struct Branch {
    std::vector<int> path;  // the nodes it holds, outermost first
    int tip = -1;           // the last node that the batch in the making adds, or -1
    bool claimed = false;   // by the batch in the making
  };

  bool Holds(int branch, int node) const;
  bool IsHeld(int node) const { return node == 0 || holders_[static_cast<size_t>(node)] >= 0; }
  std::vector<int> PathTo(int node) const;
  // The nodes on the path to `node` that are neither held nor planned, innermost first.
  std::vector<int> MissingTo(int node) const;
  // Begins a batch that may have so many nodes.
  void Begin(int count);
  // Adds a node and what is missing above it to the batch in the making; false if it has no room.
  bool Add(int node, bool wants_row);
  // Decodes what is missing above `node` until one batch can hold the rest.
  Status Approach(int node, const Cancellation& cancellation, Usage* usage);
  // A branch that holds the path to a held node and nothing else, now claimed; -1 if there is none.
  int Claim(int node);
  int FreeBranch() const;
  // Gives up the path that is worth least, but not that of `kept`. False if there is no other.
  bool GiveUpOne(int kept);
  void Drop(int branch);
  Status Submit(const Cancellation& cancellation, Usage* usage);

  Context* context_;
  PrefixCache* cache_;
  const TokenTree& tree_;
  const int slot_;
  const int prompt_length_;
  std::vector<Branch> branches_;
  std::vector<int> holders_;  // per node: a branch that holds it, or -1
  int cells_ = 0;             // nodes that are held
  int room_ = 0;              // cells that these and the batch may take
  // The batch in the making.
  const std::vector<Prospect>* prospects_ = nullptr;
  std::vector<int> plan_;           // its nodes
  std::vector<uint8_t> planned_;    // per node: 1 if it is among them,
  std::vector<uint8_t> wants_row_;  // ... and if its row is wanted
  int rows_ = 0;
  Batch batch_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_HELD_PATHS_H_
