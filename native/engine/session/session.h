// A context with its prefix cache: the operations that JavaScript can request, each a complete job. All
// methods run on the session's thread, check their arguments, and do not throw.

#ifndef AUTOCOG_ENGINE_SESSION_SESSION_H_
#define AUTOCOG_ENGINE_SESSION_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/automaton/automaton_plan.h"
#include "engine/automaton/thought_search.h"
#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/common/usage.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/context/steering.h"
#include "engine/generation/beam_search.h"
#include "engine/generation/generate_many.h"
#include "engine/generation/generator.h"
#include "engine/model/model.h"
#include "engine/scoring/choice_bounds.h"
#include "engine/scoring/row_reader.h"
#include "engine/session/prompt_encoder.h"

namespace autocog {

struct Rows {
  std::vector<float> values;  // rows × vocabulary, row-major
  Usage usage;
};

// A flattened tree, see TokenTree, and how to score it.
struct TreeRequest {
  std::vector<int32_t> tokens;
  std::vector<int32_t> parents;
  std::vector<uint8_t> flags;  // NodeFlags
  Tokens end_tokens;
  bool sequential = false;
  bool details = false;
};

struct Candidates {
  Tokens tokens;  // most probable first, ties to the lowest id
  std::vector<double> logprobs;
  Usage usage;
};

// The KV cells of a prompt, and the logits after its last token.
struct SavedState {
  Tokens tokens;
  std::vector<uint8_t> cells;
  std::vector<float> row;
  Usage usage;
};

class Session {
 public:
  // `prompt_slots` may be 0 for a default.
  static Result<std::unique_ptr<Session>> Create(std::shared_ptr<Model> model, const ContextOptions& options,
                                                 int prompt_slots);

  const Context& context() const { return *context_; }
  int prompt_slots() const { return cache_.slots(); }

  // Logits after the positions in `rows`, ascending and below the length of prompt and continuation; with an
  // encoder, of the decoder's start token and the continuation.
  Result<Rows> Eval(const Tokens& prompt, const Tokens& continuation, std::vector<int> rows,
                    const Cancellation& cancellation);
  // Natural log-probabilities of all next tokens.
  Result<Rows> LogProbs(const Tokens& prompt, const Cancellation& cancellation);
  // The `count` most probable next tokens; the whole vocabulary if it is smaller.
  Result<Candidates> TopCandidates(const Tokens& prompt, int count, const Cancellation& cancellation);
  // Scores all nodes of the tree, or with `search` as many as answer it. The prompt may be empty if the
  // tree's first tokens are given.
  Result<TreeScores> ScoreTree(const Tokens& prompt, TreeRequest request, const std::optional<SearchRequest>& search,
                               const Cancellation& cancellation);
  // Generates completions. Aborted calls return what was generated so far.
  Result<Generation> Generate(const Tokens& prompt, const GenerationOptions& options, Sink sink,
                              const Cancellation& cancellation);
  Result<std::vector<Generation>> GenerateMany(const std::vector<GenerationTask>& tasks,
                                               const GenerationOptions& options, const TaskSink& sink,
                                               const Cancellation& cancellation);
  Result<Beams> SearchBeams(const Tokens& prompt, const BeamOptions& options, const Cancellation& cancellation);
  // Runs an automaton. Aborted calls return what was found so far.
  Result<Thoughts> SearchThoughts(const Tokens& prompt, const AutomatonPlan& plan, const OnProgress& on_progress,
                                  const Cancellation& cancellation);
  // Decodes the prompt so that the next call finds it cached.
  Result<Usage> Ingest(const Tokens& prompt, const Cancellation& cancellation);
  Status Clear() {
    encoder_.Clear();
    cache_.Erase();
    return CheckServers();
  }
  // Clear the cache and call the methods of Steering. Return the new steering().
  Result<std::string> SetAdapters(std::vector<AdapterUse> adapters);
  Result<std::string> SetControlVector(const std::vector<float>& data);
  // Must be equal for a saved state and the context that loads it: see Steering::name().
  std::string steering() const { return steering_.name(); }

  // Saves a prompt's state, after decoding the part that is not cached. For an empty prompt, saves the most
  // recently used one; the result has no tokens if nothing is cached.
  Result<SavedState> SaveState(const Tokens& prompt, const Cancellation& cancellation);
  // Loads a state into the cache. kStateMismatch if a context like this one cannot have saved it. The caller
  // must ensure that the data was saved by some session at all.
  Result<Usage> LoadState(const Tokens& tokens, const uint8_t* cells, size_t size, const std::vector<float>& row,
                          const Cancellation& cancellation);

 private:
  Session(std::unique_ptr<Context> context, int prompt_slots);
  Status CheckServers() const { return context_->model().CheckServers(); }
  Status CheckPrompt(const Tokens& prompt, int continuation, size_t min_length = 1) const {
    Status status = encoder_.Check(prompt, continuation, min_length);
    return status.ok() ? CheckServers() : status;
  }
  // Completes the tasks with these indices, which have one prompt, checked.
  Status GenerateTogether(const std::vector<GenerationTask>& tasks, const std::vector<int>& indices,
                          const GenerationOptions& options, const TaskSink& sink, const Cancellation& cancellation,
                          std::vector<Generation>* generations);
  // Sets the options that depend on the context.
  GenerationOptions InContext(GenerationOptions options) const;
  // Does work that decodes, and if cells of earlier prompts may have spoilt it, does it again without them: as
  // PrefixCache::Ensure() does, which leaves short prompts to be decoded with what follows them.
  template <typename Work>
  auto WithoutBadCells(const Work& work) {
    const bool has_old_cells = context_->has_old_cells();
    auto result = work();
    if (result.ok() || !has_old_cells || !context_->has_bad_cells()) return result;
    cache_.Erase();
    return work();
  }
  // PrefixCache::Ensure, adding its time to usage->prompt_ms.
  Status EnsureTimed(const Tokens& prompt, const PromptRequest& request, const Cancellation& cancellation,
                     Usage* usage);

  Steering steering_;  // first, so that the adapters in use outlive the context
  std::unique_ptr<Context> context_;
  PrefixCache cache_;
  PromptEncoder encoder_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SESSION_SESSION_H_
