// See wave_planner.h.

#include "engine/scoring/wave_planner.h"

#include <algorithm>
#include <unordered_map>

namespace autocog {

Wave PlanWave(const TokenTree& tree, int start, const WaveLimits& limits) {
  const std::vector<int>& decoded = tree.decoded();
  Wave wave;
  for (int node = tree.parent(decoded[static_cast<size_t>(start)]); node > 0; node = tree.parent(node)) {
    wave.spine.push_back(node);
  }
  std::reverse(wave.spine.begin(), wave.spine.end());
  const int spine = static_cast<int>(wave.spine.size());
  const int max_paths = limits.branches - 1;
  const int max_nodes = std::min(limits.tokens, limits.cells - spine);

  std::unordered_map<int, size_t> indices;  // tree node -> index in wave.nodes
  int rows = 0;
  for (size_t i = static_cast<size_t>(start); i < decoded.size(); ++i) {
    const int node = decoded[i];
    // In depth-first order, a node either extends the previous node's path or starts a new one.
    const bool extends_path = !wave.nodes.empty() && tree.parent(node) == wave.nodes.back().node;
    if (static_cast<int>(wave.nodes.size()) == max_nodes) break;
    if (tree.needs_row(node) && ++rows > limits.rows) break;
    if (!extends_path && static_cast<int>(wave.paths.size()) == max_paths) break;
    const int parent = tree.parent(node);
    const auto above = indices.find(parent);
    if (!extends_path) {
      // The path shares the spine down to the parent of its topmost ancestor in the wave.
      int top = node;
      while (top > 0 && indices.count(tree.parent(top)) != 0) top = tree.parent(top);
      wave.paths.push_back({tree.depth(top) - 1});
      for (auto up = above; up != indices.end(); up = indices.find(tree.parent(up->first))) {
        ++wave.nodes[up->second].branch_count;
      }
    }
    indices.emplace(node, wave.nodes.size());
    wave.nodes.push_back({node, static_cast<int>(wave.paths.size()) - 1, 1});
  }
  return wave;
}

}  // namespace autocog
