// The decoded nodes of a tree in append-only sequences (see Context::append_only). A branch holds the state
// after one node. All paths advance together, by as many tokens as all of them have before the next fork;
// at a fork, the children get copies of the state. If there are too few branches, paths wait; if there
// are fewer than a path has forks, states are given up and computed again.

#ifndef AUTOCOG_ENGINE_SCORING_STATE_TREE_H_
#define AUTOCOG_ENGINE_SCORING_STATE_TREE_H_

#include <cstdint>
#include <vector>

#include "engine/context/batch.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/scoring/token_tree.h"
#include "engine/scoring/tree_decoder.h"

namespace autocog {

class StateTree : public TreeDecoder {
 public:
  // All references must outlive this. `slot` has exactly the prompt of `prompt_length` tokens. `whole`: the
  // first Decode() requests all nodes.
  StateTree(Context* context, PrefixCache* cache, const TokenTree& tree, int slot, int prompt_length, bool whole);
  // For a tree that grows, to at most `max_depth`. Open nodes keep their states, as far as there are branches.
  StateTree(Context* context, PrefixCache* cache, const TokenTree& tree, int slot, int prompt_length, int max_depth);
  // Empties all branches.
  ~StateTree() override;
  StateTree(const StateTree&) = delete;
  StateTree& operator=(const StateTree&) = delete;

  // Decodes all requested nodes, in several steps. Passes on the rows of all nodes that need one and are
  // decoded for the first time.
  Status Decode(const std::vector<int>& requested, const std::vector<OpenNode>& open_nodes, const OnRows& on_rows,
                const Cancellation& cancellation, Usage* usage) override;
  // Gives up all other states.
  void Keep(const std::vector<OpenNode>& open_nodes) override;

 private:
  struct Path {
    int branch = 0;
    int next = 0;  // the node to decode next
  };
  struct Node {
    int holder = -1;       // the branch with the state after the node; the root's is the slot
    int unstarted = 0;     // children that have to be decoded and never were
    int missing = 0;       // children that the current pass has to start
    int forks = 0;         // the maximum number of forks on a path below
    int cursor = 0;        // index in the node's children from which to search for them
    bool started = false;  // at least once
    bool read = false;     // its row was passed on
    bool marked = false;   // the current pass has to start it
    bool open = false;     // in a tree that grows: its state has to be kept for later children
  };

  Node& At(int node) { return nodes_[static_cast<size_t>(node)]; }
  bool IsHeld(int node) { return node == 0 || At(node).holder >= 0; }
  // Adds the nodes by which the tree has grown, and notes which ones are open.
  void Grow(const std::vector<OpenNode>& open_nodes);
  // Counts the children to be started, and the forks, of a tree that grows.
  void CountForks();
  // Marks the nodes and their ancestors down from the nearest states, which become `waiting_`.
  void Mark(const std::vector<int>& requested);
  // Starts paths from the waiting states while branches are available. kInternal if no path could start.
  Status StartPaths();
  // Counts the node, which a path decodes next, as started.
  void Start(int node);
  // A branch with the state after `node` for its child; -1 if none is available now.
  int TakeBranch(int node, int child);
  // Whether it is a node whose state no path of this pass waits for.
  bool CanEvict(int held);
  // Gives up the state with the lowest priority among those that CanEvict(). Returns its branch; -1 if there
  // is none.
  int Evict();
  void Release(int branch);
  // Decodes the next tokens of as many paths as fit in one batch.
  Status Step(const OnRows& on_rows, const Cancellation& cancellation, Usage* usage);
  // The child with which a path continues after a node; -1 if it ends or forks there.
  int Continuation(int node);
  // Ends a path after its last node: keeps the state if it is needed.
  void End(const Path& path, int node);
  // Moves the first `count` paths to branches with consecutive numbers.
  void MakeConsecutive(size_t count);
  void Exchange(int a, int b);

  Context* context_;
  PrefixCache* cache_;
  const TokenTree& tree_;
  const int slot_;
  const int prompt_length_;
  const bool grows_;
  std::vector<Node> nodes_;
  std::vector<int> held_;     // per branch: the node whose state it holds, or -1
  std::vector<int> free_;     // branches not in use, descending
  std::vector<int> waiting_;  // nodes with states and unstarted marked children; the last one goes first
  std::vector<Path> paths_;
  const std::vector<OpenNode>* open_nodes_ = nullptr;
  Batch batch_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_STATE_TREE_H_
