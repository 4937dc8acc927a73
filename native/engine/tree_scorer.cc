// See tree_scorer.h.

#include "engine/tree_scorer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/log_softmax.h"

namespace autocog {

namespace {

Status NotADistribution() {
  return Status(Code::kDecodeFailed, "The model gave logits that are not finite, so they have no probabilities");
}

// However scoring ends, nothing beyond the prompt may stay on a branch.
class BranchCleaner {
 public:
  explicit BranchCleaner(PrefixCache* cache) : cache_(cache) {}
  ~BranchCleaner() {
    if (cache_ == nullptr) return;
    for (int branch = 0; branch < cache_->branches(); ++branch) cache_->TrimBranch(branch);
  }
  BranchCleaner(const BranchCleaner&) = delete;
  BranchCleaner& operator=(const BranchCleaner&) = delete;
  // The branches are clean already.
  void Dismiss() { cache_ = nullptr; }

 private:
  PrefixCache* cache_;
};

}  // namespace

TreeScorer::TreeScorer(Context* context, PrefixCache* cache, const TokenTree& tree, const Tokens& end_tokens)
    : context_(context), cache_(cache), tree_(tree), end_tokens_(end_tokens) {
  scores_.logprobs.resize(static_cast<size_t>(tree.size()), 0.0);
  scores_.ends.resize(static_cast<size_t>(tree.size()), std::numeric_limits<double>::quiet_NaN());
}

Result<TreeScores> TreeScorer::Run(const Tokens& prompt, bool sequential, const Cancellation& cancellation) {
  const int prompt_length = static_cast<int>(prompt.size());
  bool readable = true;
  PromptRequest request;
  if (tree_.needs_row(0)) request.rows.push_back(prompt_length - 1);
  request.on_row = [&](size_t, const float* row) { readable = ReadRow(0, row); };
  int slot = 0;
  {
    Stopwatch watch(&scores_.usage.prompt_ms);
    auto ensured = cache_->Ensure(prompt, request, cancellation, &scores_.usage);
    if (!ensured.ok()) return ensured.status();
    slot = ensured.value();
  }
  if (!readable) return NotADistribution();
  BranchCleaner cleaner(cache_);
  Status status =
      sequential ? DecodePaths(slot, prompt_length, cancellation) : DecodeTree(slot, prompt_length, cancellation);
  if (!status.ok()) return status;
  cleaner.Dismiss();
  return std::move(scores_);
}

Status TreeScorer::DecodeTree(int slot, int prompt_length, const Cancellation& cancellation) {
  const int total = static_cast<int>(tree_.decoded().size());
  const int spine_branch = cache_->branches() - 1;
  bool spine_in_use = false;
  for (int start = 0; start < total;) {
    const int wanted = std::min(total - start, context_->max_tokens()) + tree_.decoded_depth() + 1;
    const int room = cache_->MakeRoom(wanted, slot);
    WaveLimits limits;
    limits.tokens = context_->max_tokens();
    limits.rows = context_->max_rows();
    limits.branches = cache_->branches();
    // A cell for padding, unless the deepest path needs that one too.
    limits.cells = room - 1 >= tree_.decoded_depth() ? room - 1 : room;
    const Wave wave = PlanWave(tree_, start, limits);
    Status status = DecodeWave(wave, slot, prompt_length, room, cancellation);
    if (!status.ok()) return status;
    start += static_cast<int>(wave.nodes.size());

    // Hand the ancestors of the next wave's first node on before this wave's cells go.
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

Status TreeScorer::DecodeWave(const Wave& wave, int slot, int prompt_length, int room,
                              const Cancellation& cancellation) {
  const llama_seq_id spine = cache_->BranchSequence(cache_->branches() - 1);
  {
    Stopwatch watch(&scores_.usage.decode_ms);
    for (size_t path = 0; path < wave.paths.size(); ++path) {
      const int branch = static_cast<int>(path);
      cache_->Attach(branch, slot, prompt_length);
      context_->Share(spine, cache_->BranchSequence(branch), prompt_length,
                      prompt_length + wave.paths[path].shared_depth);
    }
    batch_.Clear();
    for (const WaveNode& each : wave.nodes) {
      batch_.AddShared(tree_.token(each.node), prompt_length + tree_.depth(each.node) - 1,
                       cache_->BranchSequence(each.first_branch), each.branch_count, true);
    }
    const int free_cells = room - static_cast<int>(wave.spine.size() + wave.nodes.size());
    Status status = context_->Decode(&batch_, Kernels::kBatch, free_cells, cancellation, &scores_.usage);
    if (!status.ok()) return status;
  }
  Stopwatch watch(&scores_.usage.read_ms);
  for (size_t i = 0; i < wave.nodes.size(); ++i) {
    if (!ReadRow(wave.nodes[i].node, context_->Row(static_cast<int>(i)))) return NotADistribution();
  }
  return Status::Ok();
}

Status TreeScorer::DecodePaths(int slot, int prompt_length, const Cancellation& cancellation) {
  const llama_seq_id sequence = cache_->BranchSequence(0);
  cache_->Attach(0, slot, prompt_length);
  const int most = std::min(context_->max_tokens(), context_->max_rows());
  for (int leaf = 1; leaf < tree_.size(); ++leaf) {
    if (!tree_.children(leaf).empty()) continue;
    std::vector<int> path;
    for (int node = leaf; node > 0; node = tree_.parent(node)) {
      if (tree_.needs_row(node)) path.push_back(node);
    }
    std::reverse(path.begin(), path.end());
    for (size_t start = 0; start < path.size(); start += static_cast<size_t>(most)) {
      const size_t end = std::min(path.size(), start + static_cast<size_t>(most));
      batch_.Clear();
      for (size_t i = start; i < end; ++i) {
        batch_.Add(tree_.token(path[i]), prompt_length + tree_.depth(path[i]) - 1, sequence, true);
      }
      const int room = cache_->MakeRoom(tree_.decoded_depth() + 1, slot);
      {
        Stopwatch watch(&scores_.usage.decode_ms);
        Status status =
            context_->Decode(&batch_, Kernels::kBatch, room - static_cast<int>(end), cancellation, &scores_.usage);
        if (!status.ok()) return status;
      }
      Stopwatch watch(&scores_.usage.read_ms);
      for (size_t i = start; i < end; ++i) {
        if (!ReadRow(path[i], context_->Row(static_cast<int>(i - start)))) return NotADistribution();
      }
    }
    cache_->TrimBranch(0);
  }
  return Status::Ok();
}

bool TreeScorer::ReadRow(int node, const float* row) {
  const double normalizer = LogSumExp(row, static_cast<size_t>(context_->vocabulary_size()));
  if (!std::isfinite(normalizer)) return false;
  for (int child : tree_.children(node)) {
    const auto logit = static_cast<double>(row[static_cast<size_t>(tree_.token(child))]);
    scores_.logprobs[static_cast<size_t>(child)] = logit - normalizer;
  }
  if (tree_.wants_end(node)) {
    std::vector<float> ends;
    for (llama_token token : end_tokens_) ends.push_back(row[static_cast<size_t>(token)]);
    scores_.ends[static_cast<size_t>(node)] = LogSumExp(ends.data(), ends.size()) - normalizer;
  }
  return true;
}

}  // namespace autocog
