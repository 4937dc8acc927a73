// One round of choices and scored texts: the paths of all thoughts that are at one, decoded together.

#ifndef AUTOCOG_ENGINE_AUTOMATON_PATH_SCORES_H_
#define AUTOCOG_ENGINE_AUTOMATON_PATH_SCORES_H_

#include <vector>

#include "engine/automaton/search_state.h"

namespace autocog {

class PathScores {
 public:
  // `search` must outlive this.
  explicit PathScores(SearchState* search) : search_(search) {}

  // The results of each thought's action, in order.
  Result<std::vector<Expansions>> Score(const std::vector<Thought>& thoughts);

 private:
  // The paths of one thought as nodes of the token tree.
  struct Placed {
    bool fits = true;
    int replaced = 0;
    ThoughtState state;
    std::vector<Tokens> paths;
    std::vector<std::vector<int>> nodes;  // per path
  };

  Result<Placed> Place(const Thought& thought);
  // Adds the nodes whose rows are needed.
  void Request(const Action& action, const Placed& placed);
  void RequestRow(int node);
  Status ReadRow(int node, const float* row);
  Expansions Expand(const Thought& thought, const Placed& placed) const;

  SearchState* search_;
  std::vector<double> logprobs_;    // per node: of its token after its parent; NaN: not known
  std::vector<double> ends_;        // per node: of an end of generation after it; NaN: not known
  std::vector<uint8_t> needs_end_;  // per node
  std::vector<uint8_t> requested_;  // per node
  std::vector<int> rows_;           // the requested nodes, in order
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_AUTOMATON_PATH_SCORES_H_
