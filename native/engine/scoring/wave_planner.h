// Cuts the decoded nodes of a tree into waves: runs in depth-first order that fit one
// decode. Pure arithmetic, no engine; tested on its own.

#ifndef AUTOCOG_ENGINE_SCORING_WAVE_PLANNER_H_
#define AUTOCOG_ENGINE_SCORING_WAVE_PLANNER_H_

#include <vector>

#include "engine/scoring/token_tree.h"

namespace autocog {

struct WaveLimits {
  int tokens = 0;    // per decode; every decoded node is one
  int rows = 0;      // of logits per decode, for the nodes that need one
  int branches = 0;  // sequences: one per path of the wave, one kept for a spine
  int cells = 0;     // of the KV buffer, for the spine and the wave
};

struct WaveNode {
  int node = 0;          // in the tree
  int first_branch = 0;  // the paths of the wave that pass through the node ...
  int branch_count = 0;  // ... stand in one range
};

struct WavePath {
  int shared_depth = 0;  // so many tokens of the spine lie before the path's own
};

struct Wave {
  // Ancestors of the first node, root excluded, decoded by earlier waves; outermost first.
  std::vector<int> spine;
  std::vector<WaveNode> nodes;
  std::vector<WavePath> paths;
};

// The wave that begins with tree.decoded()[start].
// REQUIRES: every limit leaves room for one node: tokens, rows >= 1, branches >= 2,
// cells >= spine + 1.
Wave PlanWave(const TokenTree& tree, int start, const WaveLimits& limits);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_WAVE_PLANNER_H_
