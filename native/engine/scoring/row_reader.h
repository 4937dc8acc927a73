// Computes the log-probabilities of a tree's nodes from rows of logits. Used on the session's thread.

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

// Additional results per node.
struct NodeDetails {
  std::vector<double> entropies;      // in nats, of the distribution after the node; NaN if not evaluated
  std::vector<int32_t> best_tokens;   // most probable token at the node's position; −1 if not evaluated
  std::vector<double> best_logprobs;  // its log-probability; NaN if not evaluated
  std::vector<int32_t> ranks;         // 1-based rank of the node's own token there; 0 if not evaluated
};

struct TreeScores {
  // Per node: log P(token | prompt and path), natural, over the whole vocabulary, at most 0. 0 for the
  // root and for given tokens; NaN for nodes that a search did not evaluate.
  std::vector<double> logprobs;
  // Per node: log-probability that one of the end tokens comes next; NaN if not requested.
  std::vector<double> ends;
  NodeDetails details;  // empty vectors unless requested
  Usage usage;
};

// The logits after a node.
struct NodeRow {
  int node = 0;
  const float* row = nullptr;
};

class RowReader {
 public:
  // All references must outlive this. `initial` is the log-probability of nodes until they are read.
  RowReader(const TokenTree& tree, const Tokens& end_tokens, bool details, double initial, TreeScores* scores);

  // Reads the row of `size` logits after `node`: the probabilities of its children and of ending there.
  // kDecodeFailed if the row is not a distribution. Rows of different nodes may be read concurrently.
  Status Read(int node, const float* row, size_t size);

  // Reads the rows of several nodes, in parallel if that is worthwhile.
  Status ReadAll(const std::vector<NodeRow>& rows, size_t size, Workers* workers);

 private:
  const TokenTree& tree_;
  const Tokens& end_tokens_;
  const bool details_;
  TreeScores* scores_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_ROW_READER_H_
