// Splits the decoded nodes of a tree into waves: contiguous runs in depth-first order that each fit one
// decode. Pure arithmetic, independent of the engine; has its own tests.

#ifndef AUTOCOG_ENGINE_SCORING_WAVE_PLANNER_H_
#define AUTOCOG_ENGINE_SCORING_WAVE_PLANNER_H_

#include <vector>

#include "engine/scoring/token_tree.h"

namespace autocog {

struct WaveLimits {
  int tokens = 0;    // per decode; each decoded node is one token
  int rows = 0;      // of logits per decode
  int branches = 0;  // sequences: one per path of the wave, and one for the spine
  int cells = 0;     // of the KV cache, for the spine and the wave
};

struct WaveNode {
  int node = 0;  // in the tree
  // The range of the wave's paths that pass through the node.
  int first_branch = 0;
  int branch_count = 0;
};

struct WavePath {
  int shared_depth = 0;  // number of leading spine tokens that precede the path's own nodes
};

struct Wave {
  // Ancestors of the first node, decoded by earlier waves, from the root (excluded) down.
  std::vector<int> spine;
  std::vector<WaveNode> nodes;
  std::vector<WavePath> paths;
};

// Returns the wave that starts with tree.decoded()[start].
// REQUIRES: limits that allow at least one node: tokens, rows >= 1, branches >= 2, cells >= spine + 1.
Wave PlanWave(const TokenTree& tree, int start, const WaveLimits& limits);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_WAVE_PLANNER_H_
