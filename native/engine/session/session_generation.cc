// The generation methods of Session. See session.h.

#include <utility>

#include "engine/session/guard.h"
#include "engine/session/session.h"

namespace autocog {

GenerationOptions Session::InContext(GenerationOptions options) const {
  options.sampling.context_size = context_->context_size();
  return options;
}

Result<Generation> Session::Generate(const Tokens& prompt, const GenerationOptions& options, Sink sink,
                                     const Cancellation& cancellation) {
  return Guard<Generation>([&]() -> Result<Generation> {
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    return autocog::Generate(context_.get(), &cache_, prompt, InContext(options), std::move(sink), cancellation);
  });
}

Result<std::vector<Generation>> Session::GenerateMany(const std::vector<GenerationTask>& tasks,
                                                      const GenerationOptions& options, const TaskSink& sink,
                                                      const Cancellation& cancellation) {
  using Generations = std::vector<Generation>;
  return Guard<Generations>([&]() -> Result<Generations> {
    if (options.context_shift) {
      return Status(Code::kNotSupported, "contextShift is not supported when several prompts are completed together");
    }
    for (const GenerationTask& task : tasks) {
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
