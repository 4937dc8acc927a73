// Computes the log-probabilities of all nodes of a token tree after a prompt: the core of `choose`. Uses a
// single multi-sequence decode if the tree fits a KV cache, otherwise several (waves).

#ifndef AUTOCOG_ENGINE_SCORING_TREE_SCORER_H_
#define AUTOCOG_ENGINE_SCORING_TREE_SCORER_H_

#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/common/usage.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/scoring/row_reader.h"
#include "engine/scoring/token_tree.h"
#include "engine/scoring/wave_planner.h"

namespace autocog {

// Ensures that the prompt is cached, except for up to `max_deferred` missing tokens, which are left to the
// caller (see PromptRequest). Unless tokens are deferred, reads the root's row. Returns the slot, or
// kNoSlot for an empty prompt.
Result<int> EnsureRoot(PrefixCache* cache, const Tokens& prompt, const TokenTree& tree, int max_deferred, size_t width,
                       RowReader* reader, const Cancellation& cancellation, Usage* usage);

class TreeScorer {
 public:
  // All references must outlive this. REQUIRES: `end_tokens` are in the vocabulary.
  TreeScorer(Context* context, PrefixCache* cache, const TokenTree& tree, const Tokens& end_tokens, bool details);

  // `sequential`: decode one path at a time, sharing only the prompt. The prompt may be empty if the
  // root's children are given tokens. REQUIRES: a validated prompt; prompt and tree fit the context.
  Result<TreeScores> Run(const Tokens& prompt, bool sequential, const Cancellation& cancellation);

 private:
  // The number of prompt tokens that can be decoded in one batch with the whole tree.
  int RoomForPrompt() const;
  Status DecodeTree(int slot, const Tokens& prompt, const Cancellation& cancellation);
  // Decodes the tree in append-only sequences.
  Status DecodeStates(int slot, int prompt_length, const Cancellation& cancellation);
  Status DecodePaths(int slot, int prompt_length, const Cancellation& cancellation);
  // Also decodes the deferred tokens of the prompt, with the first wave.
  Status DecodeWave(const Wave& wave, int slot, const Tokens& prompt, int room, const Cancellation& cancellation);
  // Reads the rows of the nodes that need one. nodes[i] is at batch index first + i.
  Status ReadRows(const std::vector<int>& nodes, int first);

  Context* context_;
  PrefixCache* cache_;
  const TokenTree& tree_;
  TreeScores scores_;
  RowReader reader_;
  std::vector<NodeRow> rows_;
  Batch batch_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_TREE_SCORER_H_
