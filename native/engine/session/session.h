// One context with its prompt cache: the operations that JavaScript asks for, each a whole
// job. Every method runs on the session's thread; none throws. Arguments are checked here,
// whoever calls.

#ifndef AUTOCOG_ENGINE_SESSION_SESSION_H_
#define AUTOCOG_ENGINE_SESSION_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

namespace autocog {

struct Rows {
  std::vector<float> values;  // rows × vocabulary, row-major
  Usage usage;
};

// A tree in the form in which it comes, and how to score it.
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

// A prompt's part of the KV buffer, and the logits after its last token.
struct SavedState {
  Tokens tokens;
  std::vector<uint8_t> cells;
  std::vector<float> row;
  Usage usage;
};

class Session {
 public:
  static Result<std::unique_ptr<Session>> Create(std::shared_ptr<Model> model, const ContextOptions& options,
                                                 int prompt_slots);

  const Context& context() const { return *context_; }
  int prompt_slots() const { return cache_.slots(); }

  // Logits after the positions in `rows`, ascending and below the prompt's length.
  Result<Rows> Eval(const Tokens& prompt, std::vector<int> rows, const Cancellation& cancellation);
  // Log-probabilities of every next token, natural.
  Result<Rows> LogProbs(const Tokens& prompt, const Cancellation& cancellation);
  // The `count` most probable next tokens, or the whole vocabulary if that is smaller.
  Result<Candidates> TopCandidates(const Tokens& prompt, int count, const Cancellation& cancellation);
  // Every node of the tree, or with `search` those that answer it. The prompt may be empty where
  // the tree's first tokens are given.
  Result<TreeScores> ScoreTree(const Tokens& prompt, TreeRequest request, const std::optional<SearchRequest>& search,
                               const Cancellation& cancellation);
  // Writes on after a prompt; an aborted call gives what it has.
  Result<Generation> Generate(const Tokens& prompt, const WritingOptions& options, Sink sink,
                              const Cancellation& cancellation);
  Result<std::vector<Generation>> GenerateMany(const std::vector<WritingTask>& tasks, const WritingOptions& options,
                                               const ManySink& sink, const Cancellation& cancellation);
  Result<Beams> SearchBeams(const Tokens& prompt, const BeamOptions& options, const Cancellation& cancellation);
  // Decodes the prompt so that the next call finds it cached.
  Result<Usage> Ingest(const Tokens& prompt, const Cancellation& cancellation);
  void Clear() { cache_.Clear(); }
  // As Steering's methods, with the cache cleared first; they give steering() as it is then.
  Result<std::string> SetAdapters(std::vector<AdapterUse> adapters);
  Result<std::string> SetControlVector(const std::vector<float>& data);
  // What a saved state must have in common with a context that takes it: see Steering::name().
  std::string steering() const { return steering_.name(); }

  // session_state.cc: the prompt's state, of which what is not cached is decoded first; of the
  // prompt that was used last where none is given, which gives no tokens where none is cached.
  Result<SavedState> SaveState(const Tokens& prompt, const Cancellation& cancellation);
  // Puts a state in the cache. kStateMismatch for one that this context cannot have written; what
  // was never written by any has to be kept away by the caller.
  Result<Usage> LoadState(const Tokens& tokens, const uint8_t* cells, size_t size, const std::vector<float>& row,
                          const Cancellation& cancellation);

 private:
  Session(std::unique_ptr<Context> context, int prompt_slots);
  // A prompt of known tokens, at least `least`, with room for `more` positions after it.
  Status CheckPrompt(const Tokens& prompt, int more, size_t least = 1) const;
  // With what a sampler wants to know of the context.
  WritingOptions InContext(WritingOptions options) const;
  // PrefixCache::Ensure with its time in usage->prompt_ms.
  Status EnsureTimed(const Tokens& prompt, const PromptRequest& request, const Cancellation& cancellation,
                     Usage* usage);

  Steering steering_;  // first: the adapters in use outlive the context
  std::unique_ptr<Context> context_;
  PrefixCache cache_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SESSION_SESSION_H_
