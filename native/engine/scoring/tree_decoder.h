// Decodes nodes of a tree in the order in which a search asks for them.

#ifndef AUTOCOG_ENGINE_SCORING_TREE_DECODER_H_
#define AUTOCOG_ENGINE_SCORING_TREE_DECODER_H_

#include <functional>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/common/usage.h"
#include "engine/scoring/row_reader.h"

namespace autocog {

// A node that may be requested, or whose descendants may, and the priority of keeping the path to it.
struct OpenNode {
  int node = 0;
  double priority = 0;
};

class TreeDecoder {
 public:
  // Receives the rows of the nodes of one decode, which are valid during the call only.
  using OnRows = std::function<Status(const std::vector<NodeRow>&)>;

  virtual ~TreeDecoder() = default;
  // Decodes the first nodes of `requested`, at least one, together with their missing ancestors, and passes
  // their rows on. `open_nodes` are all nodes that may be requested now or later. The tree may have grown
  // since the last call. REQUIRES: the KV cache
  // has room for the prompt and the deepest path.
  virtual Status Decode(const std::vector<int>& requested, const std::vector<OpenNode>& open_nodes,
                        const OnRows& on_rows, const Cancellation& cancellation, Usage* usage) = 0;
  // Gives up what is not needed for these nodes, so that it no longer takes part in decodes.
  virtual void Keep(const std::vector<OpenNode>& open_nodes) = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_TREE_DECODER_H_
