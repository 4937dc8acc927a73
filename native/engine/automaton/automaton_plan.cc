// See automaton_plan.h.

#include "engine/automaton/automaton_plan.h"

#include <algorithm>

namespace autocog {

namespace {

Status CheckAction(const Action& action, size_t actions, const Vocabulary& vocabulary) {
  const auto known = [actions](int next) { return next >= 0 && static_cast<size_t>(next) < actions; };
  if (!std::all_of(action.next.begin(), action.next.end(), known)) {
    return Status(Code::kInvalidArgument, "Expected successors that are actions of the automaton");
  }
  if (action.is_completion) {
    const CompletionAction& completion = action.completion;
    const bool valid = completion.max_tokens > 0 && completion.beams > 0 && completion.ahead >= 0;
    const auto empty = [](const std::string& stop) { return stop.empty(); };
    if (valid && std::none_of(completion.stops.begin(), completion.stops.end(), empty)) return Status::Ok();
    return Status(Code::kInvalidArgument, "Expected a completion with tokens, beams and non-empty stops");
  }
  const PathsAction& paths = action.paths;
  if (paths.paths.empty() || paths.paths.size() != paths.texts.size()) {
    return Status(Code::kInvalidArgument, "Expected an action with as many texts as paths, at least one");
  }
  if (!action.forks && action.next.size() != paths.paths.size()) {
    return Status(Code::kInvalidArgument, "Expected one successor for each path");
  }
  for (const Tokens& path : paths.paths) {
    if (Status status = vocabulary.Check(path); !status.ok()) return status;
  }
  return Status::Ok();
}

}  // namespace

Status CheckPlan(const AutomatonPlan& plan, const Vocabulary& vocabulary) {
  for (const Action& action : plan.actions) {
    if (Status status = CheckAction(action, plan.actions.size(), vocabulary); !status.ok()) return status;
    if (action.paths.ends && plan.end_tokens.empty()) {
      return Status(Code::kNotSupported, "This model has no end-of-generation token");
    }
  }
  for (int entry : plan.entries) {
    if (entry < 0 || static_cast<size_t>(entry) >= plan.actions.size()) {
      return Status(Code::kInvalidArgument, "Expected entries that are actions of the automaton");
    }
  }
  if (Status status = vocabulary.Check(plan.end_tokens); !status.ok()) return status;
  return vocabulary.Check(plan.guard_tokens);
}

}  // namespace autocog
