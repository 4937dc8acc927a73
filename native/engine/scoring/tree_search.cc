// See tree_search.h.

#include "engine/scoring/tree_search.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "engine/scoring/decoded_paths.h"
#include "engine/scoring/state_tree.h"
#include "engine/scoring/tree_scorer.h"

namespace autocog {

namespace {

// The number of nodes in the first batch. A decode has a fixed cost of about five tokens (measured with
// 0.5 billion weights on two cores), so smaller batches save little.
constexpr int kFirstBatch = 8;

// Batches grow by half: few decodes if many nodes are needed, and at most about a third of all decoded
// nodes are unnecessary.
int Grow(int size) { return size + size / 2; }

}  // namespace

Result<TreeScores> SearchTree(Context* context, PrefixCache* cache, const Tokens& prompt, const TokenTree& tree,
                              const Tokens& end_tokens, const SearchRequest& request, bool details,
                              const Cancellation& cancellation) {
  const auto width = static_cast<size_t>(context->vocabulary_size());
  TreeScores scores;
  RowReader reader(tree, end_tokens, details, std::numeric_limits<double>::quiet_NaN(), &scores);
  ChoiceBounds bounds(tree, request);
  auto slot = EnsureRoot(cache, prompt, tree, 0, width, &reader, cancellation, &scores.usage);
  if (!slot.ok()) return slot.status();
  bounds.Add(0, scores);

  const auto on_rows = [&](const std::vector<NodeRow>& rows) {
    Stopwatch watch(&scores.usage.read_ms);
    if (Status status = reader.ReadAll(rows, width, context->workers()); !status.ok()) return status;
    for (const NodeRow& each : rows) bounds.Add(each.node, scores);
    return Status::Ok();
  };
  const auto length = static_cast<int>(prompt.size());
  std::unique_ptr<TreeDecoder> decoder;
  if (context->append_only()) {
    decoder = std::make_unique<StateTree>(context, cache, tree, slot.value(), length, /*whole=*/false);
  } else {
    decoder = std::make_unique<DecodedPaths>(context, cache, tree, slot.value(), length);
  }
  for (int size = kFirstBatch; !bounds.Done(); size = std::min(Grow(size), context->max_tokens())) {
    const std::vector<int> requested = bounds.Next(size);
    std::vector<OpenNode> open_nodes;
    bounds.ForEachOpen([&](int node, double bound) { open_nodes.push_back({node, bound}); });
    Status status = decoder->Decode(requested, open_nodes, on_rows, cancellation, &scores.usage);
    if (!status.ok()) return status;
  }
  return scores;
}

}  // namespace autocog
