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
  const int most_paths = limits.branches - 1;
  const int most_nodes = std::min(limits.tokens, limits.cells - spine);

  std::unordered_map<int, size_t> place;  // tree node -> index in wave.nodes
  int rows = 0;
  for (size_t i = static_cast<size_t>(start); i < decoded.size(); ++i) {
    const int node = decoded[i];
    // In depth-first order a node either goes on from the one before or opens a path.
    const bool goes_on = !wave.nodes.empty() && tree.parent(node) == wave.nodes.back().node;
    if (static_cast<int>(wave.nodes.size()) == most_nodes) break;
    if (tree.needs_row(node) && ++rows > limits.rows) break;
    if (!goes_on && static_cast<int>(wave.paths.size()) == most_paths) break;
    const int parent = tree.parent(node);
    const auto above = place.find(parent);
    if (!goes_on) {
      // A path has as much of the spine as the topmost node of the wave that it starts from.
      int top = node;
      while (top > 0 && place.count(tree.parent(top)) != 0) top = tree.parent(top);
      wave.paths.push_back({tree.depth(top) - 1});
      for (auto up = above; up != place.end(); up = place.find(tree.parent(up->first))) {
        ++wave.nodes[up->second].branch_count;
      }
    }
    place.emplace(node, wave.nodes.size());
    wave.nodes.push_back({node, static_cast<int>(wave.paths.size()) - 1, 1});
  }
  return wave;
}

}  // namespace autocog
