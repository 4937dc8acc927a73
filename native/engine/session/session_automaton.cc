// The automaton method of Session. See session.h.

#include "engine/session/guard.h"
#include "engine/session/session.h"

namespace autocog {

Result<Thoughts> Session::SearchThoughts(const Tokens& prompt, const AutomatonPlan& plan, const OnProgress& on_progress,
                                         const Cancellation& cancellation) {
  return Guard<Thoughts>([&]() -> Result<Thoughts> {
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    if (Status status = CheckPlan(plan, context_->vocabulary()); !status.ok()) return status;
    return autocog::SearchThoughts(context_.get(), &cache_, prompt, plan, on_progress, cancellation);
  });
}

}  // namespace autocog
