// Log-probabilities of every node of a token tree after a prompt: the heart of `choose`.
// One multi-sequence decode where the tree fits, waves where it does not.

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

// Brings the prompt into the cache, but for at most `leave` tokens if that is all that is
// missing, and reads the tree's first row if nothing is left. Gives the slot, or kNoSlot for an
// empty prompt.
Result<int> EnsureRoot(PrefixCache* cache, const Tokens& prompt, const TokenTree& tree, int leave, size_t width,
                       RowReader* reader, const Cancellation& cancellation, Usage* usage);

class TreeScorer {
 public:
  // All must outlive this. `end_tokens` are in the vocabulary.
  TreeScorer(Context* context, PrefixCache* cache, const TokenTree& tree, const Tokens& end_tokens, bool details);

  // `sequential`: one path at a time, sharing nothing but the prompt. The prompt must be
  // checked already; prompt and tree must fit the context. It may be empty where the root's
  // children are given.
  Result<TreeScores> Run(const Tokens& prompt, bool sequential, const Cancellation& cancellation);

 private:
  // How many tokens of the prompt may be decoded in one batch with the whole tree.
  int RoomForPrompt() const;
  Status DecodeTree(int slot, const Tokens& prompt, const Cancellation& cancellation);
  Status DecodePaths(int slot, int prompt_length, const Cancellation& cancellation);
  // With the first wave, what is left of the prompt is decoded, too.
  Status DecodeWave(const Wave& wave, int slot, const Tokens& prompt, int room, const Cancellation& cancellation);
  // Reads the rows of those nodes that need one; nodes[i] is that of the batch's token first + i.
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
