// See tree_search.h.

#include "engine/scoring/tree_search.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "engine/scoring/held_paths.h"
#include "engine/scoring/tree_scorer.h"

namespace autocog {

namespace {

// Nodes of the first batch. A decode has a cost of its own, about that of five tokens (0.5
// billion weights on two cores), so that smaller batches save little.
constexpr int kFirstBatch = 8;

// Each batch is half as large again: few calls where many nodes are needed, and never more
// than about a third of all decoded nodes in vain.
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

  HeldPaths paths(context, cache, tree, slot.value(), static_cast<int>(prompt.size()));
  for (int size = kFirstBatch; !bounds.Done(); size = std::min(Grow(size), context->max_tokens())) {
    const std::vector<int> wanted = bounds.Next(size);
    std::vector<Prospect> prospects;
    bounds.ForEachOpen([&](int node, double bound) { prospects.push_back({node, bound}); });
    Result<std::vector<int>> places = [&] {
      Stopwatch watch(&scores.usage.decode_ms);
      return paths.Decode(wanted, prospects, cancellation, &scores.usage);
    }();
    if (!places.ok()) return places.status();
    Stopwatch watch(&scores.usage.read_ms);
    std::vector<NodeRow> rows;
    for (size_t i = 0; i < places.value().size(); ++i) rows.push_back({wanted[i], context->Row(places.value()[i])});
    if (Status status = reader.ReadAll(rows, width, context->workers()); !status.ok()) return status;
    for (const NodeRow& each : rows) bounds.Add(each.node, scores);
  }
  return scores;
}

}  // namespace autocog
