// Branch and bound: the scores of the choices that a search has completed, upper bounds for all others,
// and whether these answer the request. Pure arithmetic, independent of the engine; has its own tests.
//
// A choice's score is logprob / length − offset. Log-probabilities never increase along a path, so the
// sum at a node bounds the scores of all choices below it.

#ifndef AUTOCOG_ENGINE_SCORING_CHOICE_BOUNDS_H_
#define AUTOCOG_ENGINE_SCORING_CHOICE_BOUNDS_H_

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "engine/common/status.h"
#include "engine/scoring/row_reader.h"
#include "engine/scoring/token_tree.h"

namespace autocog {

// Entry i of each vector belongs to the distinct choice i.
struct SearchRequest {
  std::vector<int32_t> nodes;   // the node where it ends
  std::vector<double> lengths;  // positive
  std::vector<double> offsets;  // not NaN
  std::vector<int32_t> copies;  // number of duplicates in the call, at least 1
  int top = 0;                  // number of best choices to determine, counting copies; 0: all
  double tolerance = 0;         // if positive: maximum width of the intervals of their probabilities
};

// kInvalidArgument if the request is invalid for the tree.
Status CheckSearch(const SearchRequest& request, const TokenTree& tree);

class ChoiceBounds {
 public:
  // Both must outlive this. REQUIRES: CheckSearch() is ok.
  ChoiceBounds(const TokenTree& tree, const SearchRequest& request);

  // Adds the results of the row after `node`, from `scores`. Call once per node, parents first.
  void Add(int node, const TreeScores& scores);

  // Whether the results so far answer the request.
  bool Done() const;

  // Up to `count` open nodes whose rows may affect the answer, the highest bounds first.
  std::vector<int> Next(int count) const;

  // Calls `visit(node, bound)` for all open nodes.
  template <typename Visit>
  void ForEachOpen(const Visit& visit) const {
    for (const auto& [negative_bound, node] : open_) visit(node, -negative_bound);
  }

 private:
  struct Open {
    double bound = 0;     // upper bound of the scores below the node
    double log_mass = 0;  // log of an upper bound of Σ exp(score) of the choices below the node
  };

  double ScoreOf(size_t choice, double logprob) const;
  // Records the final score of a choice.
  void Complete(size_t choice, double logprob);
  // Adds a node whose row is missing, with the bounds of the choices below it.
  void OpenNode(int node);
  // The ranges in `order_` of the choices that end at the node, or anywhere below it.
  std::pair<size_t, size_t> EndingAt(int node) const;
  std::pair<size_t, size_t> EndingBelow(int node) const;
  // The score that a choice must reach to be among the top; −inf while there are too few.
  double Threshold() const;
  bool WithinTolerance() const;

  const TokenTree& tree_;
  const SearchRequest& request_;
  bool plain_ = true;             // all lengths are 1 and all offsets 0
  std::vector<size_t> order_;     // the choices, sorted by the node where they end
  std::vector<int> subtree_end_;  // per node: the first node after its subtree
  // Per node: the maximum number of choices that end along a single path below it.
  std::vector<int> nesting_;
  std::vector<double> sums_;               // per node: log-probability of the path to it, if known
  std::vector<Open> open_nodes_;           // per node: valid if it is open
  std::set<std::pair<double, int>> open_;  // (−bound, node)
  std::multiset<double> best_;             // scores of the `top` best complete choices, copies counted
  std::vector<double> scores_;             // of all complete choices
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_CHOICE_BOUNDS_H_
