// What the steps of a search share. thought_search.cc owns it.

#ifndef AUTOCOG_ENGINE_AUTOMATON_SEARCH_STATE_H_
#define AUTOCOG_ENGINE_AUTOMATON_SEARCH_STATE_H_

#include <vector>

#include "engine/automaton/automaton_plan.h"
#include "engine/automaton/thought.h"
#include "engine/automaton/thought_decoder.h"
#include "engine/automaton/token_joiner.h"
#include "engine/common/cancellation.h"
#include "engine/context/context.h"

namespace autocog {

struct SearchState {
  Context* context;
  const AutomatonPlan& plan;
  TokenJoiner* joiner;
  ThoughtDecoder* decoder;
  const Cancellation& cancellation;
  Thoughts* thoughts;
  // The thoughts that wait while others advance.
  std::vector<OpenNode> waiting;

  const Action& action(const Thought& thought) const { return plan.actions[static_cast<size_t>(thought.action)]; }
  ThoughtNode& node(const Thought& thought) { return thoughts->nodes[static_cast<size_t>(thought.node)]; }
};

// The state after more tokens, with their log-probabilities.
ThoughtState Extend(ThoughtDecoder* decoder, const ThoughtState& state, const Tokens& tokens,
                    const std::vector<double>& values);

// The state before the last `count` tokens. Their scores are dropped if `drops`.
ThoughtState WithoutLast(const ThoughtDecoder& decoder, const ThoughtState& state, int count, bool drops);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_AUTOMATON_SEARCH_STATE_H_
