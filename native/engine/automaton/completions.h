// One round of completions: a beam search for each thought, all of them one token at a time in shared
// decodes. The same rules as lib/thoughts/complete-step.ts.

#ifndef AUTOCOG_ENGINE_AUTOMATON_COMPLETIONS_H_
#define AUTOCOG_ENGINE_AUTOMATON_COMPLETIONS_H_

#include <unordered_map>
#include <vector>

#include "engine/automaton/beam.h"
#include "engine/automaton/search_state.h"

namespace autocog {

class Completions {
 public:
  // `search` must outlive this.
  explicit Completions(SearchState* search) : search_(search) {}

  // The results of each thought's action, in order.
  Result<std::vector<Expansions>> Complete(const std::vector<Thought>& thoughts);

 private:
  struct Candidate {
    llama_token token = 0;
    double logprob = 0;
  };
  struct Completion {
    const Thought* thought = nullptr;
    const Action* action = nullptr;
    ThoughtState state;  // the thought without the tokens that the text replaces
    int replaced = 0;
    std::string prefix;  // the text of these tokens, with which every beam begins
    int limit = 0;
    bool done = false;
    std::vector<BeamState> beams;
    std::vector<BeamState> pool;
    std::unordered_map<int, std::vector<Candidate>> candidates;  // per node
  };
  // A beam that is continued greedily.
  struct Rollout {
    Completion* completion = nullptr;
    size_t beam = 0;  // in the pool
    int steps = 0;    // at most
    BeamState end;
  };

  Result<Completion> Begin(const Thought& thought, const Action& action);
  Status Step(std::vector<Completion>* completions);
  // Finds the candidates after these beams.
  Status FindCandidates(const std::vector<std::pair<Completion*, const BeamState*>>& beams,
                        const std::vector<Completion>& all);
  Status ReadRow(int count, const TokenSet& allowed, const float* row, std::vector<Candidate>* candidates) const;
  // The tokens that may follow a beam.
  Result<const TokenSet*> Allowed(const Completion& completion, const BeamState& beam) const;
  // The beam with one more token.
  Result<BeamState> Append(const Completion& completion, const BeamState& beam, const Candidate& candidate) const;
  Status LookAhead(std::vector<Completion>* completions);
  // The nodes that beams continue after.
  std::vector<OpenNode> OpenNodes(const std::vector<Completion>& completions) const;
  // Ends a beam. A stop text that it contains counts, even if an earlier one was still possible.
  static void End(BeamState* beam, ThoughtStop reason);
  Result<Expansions> Expand(Completion* completion) const;
  // Splits a beam's tokens where its text ends.
  Status Split(const Completion& completion, const BeamState& beam, ThoughtNode* node) const;

  SearchState* search_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_AUTOMATON_COMPLETIONS_H_
