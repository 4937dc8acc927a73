// Log-probabilities of every node of a token tree after a prompt: the heart of `choose`.
// One multi-sequence decode where the tree fits, waves where it does not.

#ifndef AUTOCOG_ENGINE_TREE_SCORER_H_
#define AUTOCOG_ENGINE_TREE_SCORER_H_

#include <vector>

#include "engine/cancellation.h"
#include "engine/context.h"
#include "engine/prefix_cache.h"
#include "engine/status.h"
#include "engine/token_tree.h"
#include "engine/usage.h"
#include "engine/wave_planner.h"

namespace autocog {

struct TreeScores {
  // Per node: log P(token | prompt and path), natural, over the whole vocabulary; 0 at the root.
  std::vector<double> logprobs;
  // Per node: log of the probability that one of the end tokens comes next; NaN if not asked.
  std::vector<double> ends;
  Usage usage;
};

class TreeScorer {
 public:
  // All must outlive this. `end_tokens` are in the vocabulary.
  TreeScorer(Context* context, PrefixCache* cache, const TokenTree& tree, const Tokens& end_tokens);

  // `sequential`: one path at a time, sharing nothing but the prompt. The prompt must be
  // checked already; prompt and tree must fit the context.
  Result<TreeScores> Run(const Tokens& prompt, bool sequential, const Cancellation& cancellation);

 private:
  Status DecodeTree(int slot, int prompt_length, const Cancellation& cancellation);
  Status DecodePaths(int slot, int prompt_length, const Cancellation& cancellation);
  Status DecodeWave(const Wave& wave, int slot, int prompt_length, int room, const Cancellation& cancellation);
  // Reads what the row after `node` tells: its children's probabilities and its end's.
  // False where the row is not a distribution.
  bool ReadRow(int node, const float* row);

  Context* context_;
  PrefixCache* cache_;
  const TokenTree& tree_;
  const Tokens& end_tokens_;
  TreeScores scores_;
  Batch batch_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_TREE_SCORER_H_
