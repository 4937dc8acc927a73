// See tree_scorer.h.

#include "engine/scoring/tree_scorer.h"

#include <algorithm>

#include "engine/scoring/state_tree.h"

namespace autocog {

namespace {

// Trims all branches to the prompt, however scoring ends.
class BranchCleaner {
 public:
  explicit BranchCleaner(PrefixCache* cache) : cache_(cache) {}
  ~BranchCleaner() {
    if (cache_ == nullptr) return;
    for (int branch = 0; branch < cache_->branches(); ++branch) cache_->TrimBranch(branch);
  }
  BranchCleaner(const BranchCleaner&) = delete;
  BranchCleaner& operator=(const BranchCleaner&) = delete;
  // The branches have been trimmed already.
  void Dismiss() { cache_ = nullptr; }

 private:
  PrefixCache* cache_;
};

}  // namespace

Result<int> EnsureRoot(PrefixCache* cache, const Tokens& prompt, const TokenTree& tree, int max_deferred, size_t width,
                       RowReader* reader, const Cancellation& cancellation, Usage* usage) {
  if (prompt.empty()) return PrefixCache::kNoSlot;
  Status read = Status::Ok();
  PromptRequest request;
  request.max_deferred = max_deferred;
  if (tree.needs_row(0)) request.rows.push_back(static_cast<int>(prompt.size()) - 1);
  request.on_row = [&](size_t, const float* row) { read = reader->Read(0, row, width); };
  Stopwatch watch(&usage->prompt_ms);
  auto slot = cache->Ensure(prompt, request, cancellation, usage);
  if (slot.ok() && !read.ok()) return read;
  return slot;
}

TreeScorer::TreeScorer(Context* context, PrefixCache* cache, const TokenTree& tree, const Tokens& end_tokens,
                       bool details)
    : context_(context), cache_(cache), tree_(tree), reader_(tree, end_tokens, details, 0, &scores_) {}

Result<TreeScores> TreeScorer::Run(const Tokens& prompt, bool sequential, const Cancellation& cancellation) {
  const auto width = static_cast<size_t>(context_->vocabulary_size());
  const bool append_only = context_->append_only();
  const int max_deferred = sequential || append_only ? 0 : RoomForPrompt();
  auto slot = EnsureRoot(cache_, prompt, tree_, max_deferred, width, &reader_, cancellation, &scores_.usage);
  if (!slot.ok()) return slot.status();
  BranchCleaner cleaner(cache_);
  const int length = static_cast<int>(prompt.size());
  Status status = sequential    ? DecodePaths(slot.value(), length, cancellation)
                  : append_only ? DecodeStates(slot.value(), length, cancellation)
                                : DecodeTree(slot.value(), prompt, cancellation);
  if (!status.ok()) return status;
  cleaner.Dismiss();
  return std::move(scores_);
}

int TreeScorer::RoomForPrompt() const {
  const std::vector<int>& decoded = tree_.decoded();
  if (decoded.empty()) return 0;
  const auto rows = std::count_if(decoded.begin(), decoded.end(), [&](int node) { return tree_.needs_row(node); });
  if (rows >= context_->max_rows()) return 0;
  return std::max(0, context_->wave_tokens() - static_cast<int>(decoded.size()));
}

Status TreeScorer::DecodeTree(int slot, const Tokens& prompt, const Cancellation& cancellation) {
  const int total = static_cast<int>(tree_.decoded().size());
  const int prompt_length = static_cast<int>(prompt.size());
  const int spine_branch = cache_->branches() - 1;
  bool spine_in_use = false;
  for (int start = 0; start < total;) {
    const int deferred = prompt.empty() ? 0 : cache_->Deferred(slot, prompt);
    const int required = std::min(total - start, context_->wave_tokens()) + tree_.decoded_depth() + deferred + 1;
    const int room = cache_->MakeRoom(required, slot) - deferred;
    WaveLimits limits;
    limits.tokens = context_->wave_tokens() - deferred;
    limits.rows = context_->max_rows() - (deferred > 0 ? 1 : 0);
    limits.branches = cache_->branches();
    // Reserve a cell for padding, unless the deepest path needs it.
    limits.cells = room - 1 >= tree_.decoded_depth() ? room - 1 : room;
    const Wave wave = PlanWave(tree_, start, limits);
    if (Status status = DecodeWave(wave, slot, prompt, room, cancellation); !status.ok()) return status;
    start += static_cast<int>(wave.nodes.size());

    // Before trimming this wave, keep the ancestors of the next wave's first node on the spine branch.
    if (spine_in_use) cache_->TrimBranch(spine_branch);
    spine_in_use = false;
    const int paths = static_cast<int>(wave.paths.size());
    if (start < total) {
      const int next = tree_.decoded()[static_cast<size_t>(start)];
      const int depth = tree_.depth(next) - 1;
      if (depth > 0) {
        cache_->Attach(spine_branch, slot, prompt_length);
        context_->Share(cache_->BranchSequence(paths - 1), cache_->BranchSequence(spine_branch), prompt_length,
                        prompt_length + depth);
        spine_in_use = true;
      }
    }
    for (int path = 0; path < paths; ++path) cache_->TrimBranch(path);
  }
  return Status::Ok();
}

Status TreeScorer::DecodeWave(const Wave& wave, int slot, const Tokens& prompt, int room,
                              const Cancellation& cancellation) {
  const int length = static_cast<int>(prompt.size());
  const int deferred = prompt.empty() ? 0 : cache_->Deferred(slot, prompt);
  const int paths = static_cast<int>(wave.paths.size());
  const llama_seq_id spine = cache_->BranchSequence(cache_->branches() - 1);
  std::vector<int> nodes;
  {
    Stopwatch watch(&scores_.usage.decode_ms);
    std::vector<llama_seq_id> all_sequences{slot};
    for (int path = 0; path < paths; ++path) {
      cache_->Attach(path, slot, length - deferred);
      context_->Share(spine, cache_->BranchSequence(path), length,
                      length + wave.paths[static_cast<size_t>(path)].shared_depth);
      all_sequences.push_back(cache_->BranchSequence(path));
    }
    batch_.Clear();
    for (int i = length - deferred; i < length; ++i) {
      batch_.AddShared(prompt[static_cast<size_t>(i)], i, all_sequences, i + 1 == length && tree_.needs_row(0));
    }
    for (const WaveNode& each : wave.nodes) {
      batch_.AddShared(tree_.token(each.node), length + tree_.depth(each.node) - 1,
                       cache_->BranchSequence(each.first_branch), each.branch_count, tree_.needs_row(each.node));
      nodes.push_back(each.node);
    }
    const int free_cells = room - static_cast<int>(wave.spine.size() + wave.nodes.size());
    Status status = context_->Decode(&batch_, Kernels::kBatch, free_cells, cancellation, &scores_.usage);
    if (!status.ok()) {
      if (deferred > 0) cache_->DiscardDeferred(slot);
      return status;
    }
  }
  if (deferred == 0) return ReadRows(nodes, 0);
  cache_->CommitDeferred(slot, prompt, paths, tree_.needs_row(0) ? context_->Row(deferred - 1) : nullptr);
  nodes.insert(nodes.begin(), 0);
  return ReadRows(nodes, deferred - 1);
}

Status TreeScorer::DecodeStates(int slot, int prompt_length, const Cancellation& cancellation) {
  if (tree_.decoded().empty()) return Status::Ok();
  StateTree states(context_, cache_, tree_, slot, prompt_length, /*whole=*/true);
  const auto on_rows = [this](const std::vector<NodeRow>& rows) {
    Stopwatch watch(&scores_.usage.read_ms);
    return reader_.ReadAll(rows, static_cast<size_t>(context_->vocabulary_size()), context_->workers());
  };
  return states.Decode(tree_.decoded(), {}, on_rows, cancellation, &scores_.usage);
}

Status TreeScorer::DecodePaths(int slot, int prompt_length, const Cancellation& cancellation) {
  const llama_seq_id sequence = cache_->BranchSequence(0);
  const int max_size = std::min(context_->max_tokens(), context_->max_rows());
  for (int leaf = 1; leaf < tree_.size(); ++leaf) {
    if (!tree_.children(leaf).empty()) continue;
    std::vector<int> path;
    for (int node = leaf; node > 0; node = tree_.parent(node)) {
      if (node != leaf || tree_.needs_end(leaf)) path.push_back(node);
    }
    std::reverse(path.begin(), path.end());
    cache_->Attach(0, slot, prompt_length);
    for (size_t start = 0; start < path.size(); start += static_cast<size_t>(max_size)) {
      const size_t end = std::min(path.size(), start + static_cast<size_t>(max_size));
      batch_.Clear();
      for (size_t i = start; i < end; ++i) {
        batch_.Add(tree_.token(path[i]), prompt_length + tree_.depth(path[i]) - 1, sequence, tree_.needs_row(path[i]));
      }
      const int room = cache_->MakeRoom(tree_.decoded_depth() + 1, slot);
      {
        Stopwatch watch(&scores_.usage.decode_ms);
        Status status =
            context_->Decode(&batch_, Kernels::kBatch, room - static_cast<int>(end), cancellation, &scores_.usage);
        if (!status.ok()) return status;
      }
      const auto first = path.begin() + static_cast<std::ptrdiff_t>(start);
      const auto last = path.begin() + static_cast<std::ptrdiff_t>(end);
      if (Status status = ReadRows(std::vector<int>(first, last), 0); !status.ok()) return status;
    }
    cache_->TrimBranch(0);
  }
  return Status::Ok();
}

Status TreeScorer::ReadRows(const std::vector<int>& nodes, int first) {
  Stopwatch watch(&scores_.usage.read_ms);
  rows_.clear();
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (tree_.needs_row(nodes[i])) rows_.push_back({nodes[i], context_->Row(first + static_cast<int>(i))});
  }
  return reader_.ReadAll(rows_, static_cast<size_t>(context_->vocabulary_size()), context_->workers());
}

}  // namespace autocog
