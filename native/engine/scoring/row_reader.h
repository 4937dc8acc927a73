// Reads the probabilities that a tree needs off rows of logits. Plain memory; used on the
// session's thread.

#ifndef AUTOCOG_ENGINE_SCORING_ROW_READER_H_
#define AUTOCOG_ENGINE_SCORING_ROW_READER_H_

#include <cstdint>
#include <vector>

#include "engine/common/status.h"
#include "engine/common/usage.h"
#include "engine/common/workers.h"
#include "engine/model/vocabulary.h"
#include "engine/scoring/token_tree.h"

namespace autocog {

// Per node, more than its own probability.
struct NodeDetails {
  std::vector<double> entropies;      // in nats, of what may come after the node; NaN if not evaluated
  std::vector<int32_t> best_tokens;   // the likeliest token in the node's place; −1 if not evaluated
  std::vector<double> best_logprobs;  // its log-probability; NaN if not evaluated
  std::vector<int32_t> ranks;         // of the node's own token there, from 1; 0 if not evaluated
};

struct TreeScores {
  // Per node: log P(token | prompt and path), natural, over the whole vocabulary, at most 0;
  // 0 at the root and where the token is given; NaN where a search did not look.
  std::vector<double> logprobs;
  // Per node: log of the probability that one of the end tokens comes next; NaN if not asked.
  std::vector<double> ends;
  NodeDetails details;  // empty vectors unless wanted
  Usage usage;
};

// The logits after a node.
struct NodeRow {
  int node = 0;
  const float* row = nullptr;
};

class RowReader {
 public:
  // All must outlive this. `unknown` is the log-probability of what was not read.
  RowReader(const TokenTree& tree, const Tokens& end_tokens, bool details, double unknown, TreeScores* scores);

  // Reads what the row of `size` logits after `node` tells: its children's probabilities and
  // its end's. kDecodeFailed where the row is not a distribution. Rows of different nodes may
  // be read at the same time.
  Status Read(int node, const float* row, size_t size);

  // Reads the rows of several nodes, on all of the workers where that is worth it.
  Status ReadAll(const std::vector<NodeRow>& rows, size_t size, Workers* workers);

 private:
  const TokenTree& tree_;
  const Tokens& end_tokens_;
  const bool details_;
  TreeScores* scores_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_ROW_READER_H_
