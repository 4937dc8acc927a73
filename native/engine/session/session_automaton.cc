// The automaton method of Session. See session.h.

#include "engine/session/guard.h"
#include "engine/session/session.h"

namespace autocog {

Result<Thoughts> Session::SearchThoughts(const Tokens& prompt, const AutomatonPlan& plan, const OnProgress& on_progress,
                                         const Cancellation& cancellation) {
  return Guard<Thoughts>([&]() -> Result<Thoughts> {
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    if (Status status = CheckPlan(plan, context_->vocabulary()); !status.ok()) return status;
    auto encoding = encoder_.Encode(prompt, cancellation);
    if (!encoding.ok() && !EndsGeneration(encoding.status())) return encoding.status();
    // An abort of the encoding ends the search, too.
    const Tokens& decoded = encoder_.Decoded(prompt);
    auto thoughts = WithoutBadCells(
        [&] { return autocog::SearchThoughts(context_.get(), &cache_, decoded, plan, on_progress, cancellation); });
    if (thoughts.ok() && encoding.ok()) encoder_.AddCost(encoding.value(), &thoughts.value().usage);
    return thoughts;
  });
}

}  // namespace autocog
