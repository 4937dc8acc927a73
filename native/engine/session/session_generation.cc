// The operations of a session that write text. See session.h.

#include <utility>

#include "engine/session/guard.h"
#include "engine/session/session.h"

namespace autocog {

WritingOptions Session::InContext(WritingOptions options) const {
  options.sampling.context_size = context_->context_size();
  return options;
}

Result<Generation> Session::Generate(const Tokens& prompt, const WritingOptions& options, Sink sink,
                                     const Cancellation& cancellation) {
  return Guard<Generation>([&]() -> Result<Generation> {
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    return autocog::Generate(context_.get(), &cache_, prompt, InContext(options), std::move(sink), cancellation);
  });
}

Result<std::vector<Generation>> Session::GenerateMany(const std::vector<WritingTask>& tasks,
                                                      const WritingOptions& options, const ManySink& sink,
                                                      const Cancellation& cancellation) {
  using Generations = std::vector<Generation>;
  return Guard<Generations>([&]() -> Result<Generations> {
    if (options.context_shift) {
      return Status(Code::kNotSupported, "Texts that are written together cannot forget their beginnings");
    }
    for (const WritingTask& task : tasks) {
      if (Status status = CheckPrompt(task.prompt, 0); !status.ok()) return status;
    }
    return autocog::GenerateMany(context_.get(), &cache_, tasks, InContext(options), sink, cancellation);
  });
}

Result<Beams> Session::SearchBeams(const Tokens& prompt, const BeamOptions& options, const Cancellation& cancellation) {
  return Guard<Beams>([&]() -> Result<Beams> {
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    return autocog::SearchBeams(context_.get(), &cache_, prompt, options, cancellation);
  });
}

}  // namespace autocog
