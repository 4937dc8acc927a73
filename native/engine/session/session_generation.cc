// The generation methods of Session. See session.h.

#include <algorithm>
#include <map>
#include <utility>

#include "engine/session/guard.h"
#include "engine/session/session.h"

namespace autocog {

GenerationOptions Session::InContext(GenerationOptions options) const {
  options.sampling.context_size = context_->context_size();
  if (context_->has_encoder()) {
    options.keep = std::max(options.keep, 1);
    options.begins_text = true;
  }
  return options;
}

Result<Generation> Session::Generate(const Tokens& prompt, const GenerationOptions& options, Sink sink,
                                     const Cancellation& cancellation) {
  return Guard<Generation>([&]() -> Result<Generation> {
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    auto encoding = encoder_.Encode(prompt, cancellation);
    if (!encoding.ok() && !EndsGeneration(encoding.status())) return encoding.status();
    // An abort of the encoding ends the generation, too.
    auto generation = autocog::Generate(context_.get(), &cache_, encoder_.Decoded(prompt), InContext(options),
                                        std::move(sink), cancellation);
    if (generation.ok() && encoding.ok()) encoder_.AddCost(encoding.value(), &generation.value().usage);
    return generation;
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
    if (!context_->has_encoder()) {
      return autocog::GenerateMany(context_.get(), &cache_, tasks, InContext(options), sink, cancellation);
    }
    // Those with the same prompt run together.
    std::map<Tokens, std::vector<int>> indices;
    for (size_t i = 0; i < tasks.size(); ++i) indices[tasks[i].prompt].push_back(static_cast<int>(i));
    Generations generations(tasks.size());
    for (size_t i = 0; i < tasks.size(); ++i) {
      const std::vector<int>& group = indices[tasks[i].prompt];
      if (group.front() != static_cast<int>(i)) continue;
      Status status = GenerateTogether(tasks, group, InContext(options), sink, cancellation, &generations);
      if (!status.ok()) return status;
    }
    return generations;
  });
}

Status Session::GenerateTogether(const std::vector<GenerationTask>& tasks, const std::vector<int>& indices,
                                 const GenerationOptions& options, const TaskSink& sink,
                                 const Cancellation& cancellation, std::vector<Generation>* generations) {
  const Tokens& prompt = tasks[static_cast<size_t>(indices.front())].prompt;
  auto encoding = encoder_.Encode(prompt, cancellation);
  if (!encoding.ok() && !EndsGeneration(encoding.status())) return encoding.status();
  std::vector<GenerationTask> group;
  for (int index : indices) {
    group.push_back(tasks[static_cast<size_t>(index)]);
    group.back().prompt = encoder_.Decoded(prompt);
  }
  TaskSink group_sink;
  if (sink) {
    group_sink = [&](int task, Piece piece) { sink(indices[static_cast<size_t>(task)], std::move(piece)); };
  }
  auto results = autocog::GenerateMany(context_.get(), &cache_, group, options, group_sink, cancellation);
  if (!results.ok()) return results.status();
  Usage cost = encoding.ok() ? encoding.value() : Usage();
  for (size_t i = 0; i < indices.size(); ++i) {
    Generation& generation = results.value()[i];
    encoder_.AddCost(cost, &generation.usage);
    (*generations)[static_cast<size_t>(indices[i])] = std::move(generation);
    // The others find the prompt encoded.
    const int tokens = cost.prompt_tokens;
    cost = Usage();
    cost.prompt_tokens = cost.cached_tokens = tokens;
  }
  return Status::Ok();
}

Result<Beams> Session::SearchBeams(const Tokens& prompt, const BeamOptions& options, const Cancellation& cancellation) {
  return Guard<Beams>([&]() -> Result<Beams> {
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    auto encoding = encoder_.Encode(prompt, cancellation);
    if (!encoding.ok()) return encoding.status();
    BeamOptions checked = options;
    checked.begins_text = context_->has_encoder();
    auto beams = autocog::SearchBeams(context_.get(), &cache_, encoder_.Decoded(prompt), checked, cancellation);
    if (beams.ok()) encoder_.AddCost(encoding.value(), &beams.value().usage);
    return beams;
  });
}

}  // namespace autocog
