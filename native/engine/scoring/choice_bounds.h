// What a search knows of its choices: the scores of those that are complete, an upper bound of
// every other, and whether that suffices. Pure arithmetic, no engine; tested on its own.
//
// A choice's score is logprob / length − offset. Log-probabilities only fall along a path, so
// what is known of a path bounds every score below.

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

// Entry i of each vector is one distinct choice.
struct SearchRequest {
  std::vector<int32_t> nodes;   // where it ends
  std::vector<double> lengths;  // positive
  std::vector<double> offsets;  // not NaN
  std::vector<int32_t> copies;  // how often it was given, at least 1
  int top = 0;                  // so many of the best, copies counted, must be certain; 0: all
  double tolerance = 0;         // above 0: their probabilities to be known as narrowly
};

// kInvalidArgument where the request does not fit the tree.
Status CheckSearch(const SearchRequest& request, const TokenTree& tree);

class ChoiceBounds {
 public:
  // Both must outlive this. REQUIRES: CheckSearch() is ok.
  ChoiceBounds(const TokenTree& tree, const SearchRequest& request);

  // `scores` has what the row after `node` tells. Every node is added once, after its parent.
  void Add(int node, const TreeScores& scores);

  // Whether what is known answers the request.
  bool Done() const;

  // At most `count` nodes whose rows are missing and may matter, the highest bound first.
  std::vector<int> Next(int count) const;

  // Calls `visit(node, bound)` for all of these.
  template <typename Visit>
  void ForEachOpen(const Visit& visit) const {
    for (const auto& [negative_bound, node] : open_) visit(node, -negative_bound);
  }

 private:
  struct Open {
    double bound = 0;     // of the scores below the node
    double log_mass = 0;  // log of an upper bound of Σ exp(score) below the node
  };

  double ScoreOf(size_t choice, double logprob) const;
  void Complete(size_t choice, double logprob);
  void OpenNode(int node);
  // Places in `order_` of the choices that end at the node, or anywhere below it.
  std::pair<size_t, size_t> EndingAt(int node) const;
  std::pair<size_t, size_t> EndingBelow(int node) const;
  // The score that a choice must reach to be among the best: −inf while there are too few.
  double Threshold() const;
  bool NarrowEnough() const;

  const TokenTree& tree_;
  const SearchRequest& request_;
  bool plain_ = true;             // every length is 1 and every offset 0
  std::vector<size_t> order_;     // the choices by the node where they end
  std::vector<int> subtree_end_;  // per node: the first node behind its subtree
  // Per node: how many choices at most end along one path below it.
  std::vector<int> nesting_;
  std::vector<double> sums_;               // per node: log-probability of the path to it, where known
  std::vector<Open> open_nodes_;           // per node, where it is open
  std::set<std::pair<double, int>> open_;  // (−bound, node)
  std::multiset<double> best_;             // scores of the `top` best complete choices, copies counted
  std::vector<double> scores_;             // of all complete choices
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_CHOICE_BOUNDS_H_
