// The search over the thoughts of an automaton: a frontier of open thoughts, of which all whose next actions
// are of the best one's kind advance in each round. The same rules as lib/thoughts/thought-search.ts.

#ifndef AUTOCOG_ENGINE_AUTOMATON_THOUGHT_SEARCH_H_
#define AUTOCOG_ENGINE_AUTOMATON_THOUGHT_SEARCH_H_

#include <functional>

#include "engine/automaton/automaton_plan.h"
#include "engine/automaton/thought.h"
#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"

namespace autocog {

struct SearchProgress {
  int rounds = 0;
  int64_t open = 0;
  int64_t finished = 0;
  int64_t tokens = 0;
  double best = 0;  // the score of the best finished thought; NaN if there is none
};

// Called after each round, on the session's thread.
using OnProgress = std::function<void(const SearchProgress&)>;

// A cancelled search returns what was found before the round in progress. REQUIRES: a valid plan, and a validated
// prompt that fits the context.
Result<Thoughts> SearchThoughts(Context* context, PrefixCache* cache, const Tokens& prompt, const AutomatonPlan& plan,
                                const OnProgress& on_progress, const Cancellation& cancellation);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_AUTOMATON_THOUGHT_SEARCH_H_
