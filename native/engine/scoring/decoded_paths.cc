// See decoded_paths.h.

#include "engine/scoring/decoded_paths.h"

#include <algorithm>
#include <limits>

namespace autocog {

DecodedPaths::DecodedPaths(Context* context, PrefixCache* cache, const TokenTree& tree, int slot, int prompt_length)
    : context_(context),
      cache_(cache),
      tree_(tree),
      slot_(slot),
      prompt_length_(prompt_length),
      branches_(static_cast<size_t>(cache->branches())),
      holder_(static_cast<size_t>(tree.size()), -1),
      planned_(static_cast<size_t>(tree.size()), 0),
      needs_row_(static_cast<size_t>(tree.size()), 0) {}

void DecodedPaths::DecodePrompt(const Tokens& prompt) {
  prompt_ = &prompt;
  deferred_ = cache_->Deferred(slot_, prompt);
}

DecodedPaths::~DecodedPaths() {
  for (int branch = 0; branch < cache_->branches(); ++branch) cache_->TrimBranch(branch);
}

bool DecodedPaths::Holds(int branch, int node) const {
  const std::vector<int>& path = branches_[static_cast<size_t>(branch)].path;
  const auto depth = static_cast<size_t>(tree_.depth(node));
  return path.size() >= depth && path[depth - 1] == node;
}

std::vector<int> DecodedPaths::PathTo(int node) const {
  std::vector<int> path;
  for (; node > 0; node = tree_.parent(node)) path.push_back(node);
  std::reverse(path.begin(), path.end());
  return path;
}

std::vector<int> DecodedPaths::MissingTo(int node) const {
  std::vector<int> missing;
  for (; !IsHeld(node) && planned_[static_cast<size_t>(node)] == 0; node = tree_.parent(node)) missing.push_back(node);
  return missing;
}

Status DecodedPaths::Decode(const std::vector<int>& requested, const std::vector<OpenNode>& open_nodes,
                            const OnRows& on_rows, const Cancellation& cancellation, Usage* usage) {
  size_t count = 0;
  const int deferred = deferred_;
  holder_.resize(static_cast<size_t>(tree_.size()), -1);
  planned_.resize(static_cast<size_t>(tree_.size()), 0);
  needs_row_.resize(static_cast<size_t>(tree_.size()), 0);
  {
    Stopwatch watch(&usage->decode_ms);
    open_nodes_ = &open_nodes;
    Begin(static_cast<int>(requested.size()));
    if (Status status = DecodeAncestors(requested.front(), cancellation, usage); !status.ok()) return status;
    while (count < requested.size() && Add(requested[count], true)) ++count;
    if (count == 0) return Status(Code::kInternal, "The KV cache has no room for a single path of the search");
    if (Status status = Submit(cancellation, usage); !status.ok()) return status;
  }
  std::vector<NodeRow> rows;
  if (deferred > 0) rows.push_back({0, context_->Row(deferred - 1)});
  for (size_t i = 0; i < count; ++i) {
    const auto planned = std::lower_bound(plan_.begin(), plan_.end(), requested[i]);
    rows.push_back({requested[i], context_->Row(deferred + static_cast<int>(planned - plan_.begin()))});
  }
  return on_rows(rows);
}

Status DecodedPaths::DecodeAncestors(int node, const Cancellation& cancellation, Usage* usage) {
  const auto max_tokens = static_cast<size_t>(context_->max_tokens());
  for (;;) {
    const std::vector<int> missing = MissingTo(node);
    if (missing.size() <= max_tokens) return Status::Ok();
    if (!Add(missing[missing.size() - max_tokens], false)) {
      return Status(Code::kInternal, "The KV cache has no room for a path of the search that is longer than a batch");
    }
    if (Status status = Submit(cancellation, usage); !status.ok()) return status;
    Begin(1);
  }
}

void DecodedPaths::Begin(int count) {
  for (int node : plan_) planned_[static_cast<size_t>(node)] = needs_row_[static_cast<size_t>(node)] = 0;
  plan_.clear();
  rows_ = deferred_ > 0 ? 1 : 0;
  for (Branch& branch : branches_) {
    branch.claimed = false;
    branch.tip = -1;
  }
  // Evict other prompts rather than paths that may be needed again.
  room_ = cache_->MakeRoom(cells_ + count + tree_.decoded_depth() + deferred_ + 1, slot_) - deferred_;
}

bool DecodedPaths::Add(int node, bool needs_row) {
  if (needs_row && rows_ == context_->max_rows()) return false;
  const std::vector<int> missing = MissingTo(node);
  const int from = missing.empty() ? node : tree_.parent(missing.back());
  if (static_cast<int>(plan_.size() + missing.size()) + deferred_ > context_->max_tokens()) return false;
  while (cells_ + static_cast<int>(plan_.size() + missing.size()) > room_) {
    if (!EvictPath(from)) return false;
  }
  if (!missing.empty()) {
    const auto ends_here = [&](const Branch& branch) { return branch.tip == from; };
    auto branch = std::find_if(branches_.begin(), branches_.end(), ends_here);
    if (branch == branches_.end()) {
      int held = from;
      while (!IsHeld(held)) held = tree_.parent(held);
      const int claimed = Claim(held);
      if (claimed < 0) return false;
      branch = branches_.begin() + claimed;
    }
    branch->tip = node;
  }
  for (int each : missing) planned_[static_cast<size_t>(each)] = 1;
  plan_.insert(plan_.end(), missing.begin(), missing.end());
  if (!needs_row) return true;
  needs_row_[static_cast<size_t>(node)] = 1;
  ++rows_;
  return true;
}

int DecodedPaths::FreeBranch() const {
  const auto is_free = [](const Branch& branch) { return branch.path.empty() && !branch.claimed; };
  const auto found = std::find_if(branches_.begin(), branches_.end(), is_free);
  return found == branches_.end() ? -1 : static_cast<int>(found - branches_.begin());
}

int DecodedPaths::Claim(int node) {
  const auto depth = static_cast<size_t>(tree_.depth(node));
  int found = -1;
  // Extend a path that ends at the node, if there is one; otherwise share its cells with a free branch.
  for (size_t i = 0; i < branches_.size() && depth > 0 && found < 0; ++i) {
    const Branch& branch = branches_[i];
    if (!branch.claimed && branch.path.size() == depth && branch.path.back() == node) found = static_cast<int>(i);
  }
  if (found < 0) {
    while ((found = FreeBranch()) < 0) {
      if (!EvictPath(node)) return -1;
    }
    cache_->Attach(found, slot_, prompt_length_ - deferred_);
    if (depth > 0) {
      const llama_seq_id source = cache_->BranchSequence(holder_[static_cast<size_t>(node)]);
      context_->Share(source, cache_->BranchSequence(found), prompt_length_, prompt_length_ + tree_.depth(node));
    }
    branches_[static_cast<size_t>(found)].path = PathTo(node);
  }
  branches_[static_cast<size_t>(found)].claimed = true;
  return found;
}

std::vector<double> DecodedPaths::Priorities(const std::vector<OpenNode>& open_nodes) const {
  std::vector<double> priorities(branches_.size(), -std::numeric_limits<double>::infinity());
  for (const OpenNode& open : open_nodes) {
    int held = open.node;
    while (!IsHeld(held)) held = tree_.parent(held);
    if (held == 0) continue;
    double& priority = priorities[static_cast<size_t>(holder_[static_cast<size_t>(held)])];
    priority = std::max(priority, open.priority);
  }
  return priorities;
}

void DecodedPaths::Keep(const std::vector<OpenNode>& open_nodes) {
  holder_.resize(static_cast<size_t>(tree_.size()), -1);
  std::vector<uint8_t> needed(branches_.size(), 0);
  for (const OpenNode& open : open_nodes) {
    int held = open.node;
    while (!IsHeld(held)) held = tree_.parent(held);
    if (held > 0) needed[static_cast<size_t>(holder_[static_cast<size_t>(held)])] = 1;
  }
  for (size_t i = 0; i < branches_.size(); ++i) {
    if (needed[i] == 0 && !branches_[i].path.empty()) Drop(static_cast<int>(i));
  }
}

bool DecodedPaths::EvictPath(int kept) {
  const std::vector<double> priorities = Priorities(*open_nodes_);
  int victim = -1;
  for (size_t i = 0; i < branches_.size(); ++i) {
    const int branch = static_cast<int>(i);
    if (branches_[i].claimed || branches_[i].path.empty()) continue;
    if (kept > 0 && IsHeld(kept) && holder_[static_cast<size_t>(kept)] == branch) continue;
    if (victim < 0 || priorities[i] < priorities[static_cast<size_t>(victim)]) victim = branch;
  }
  if (victim < 0) return false;
  Drop(victim);
  return true;
}

void DecodedPaths::Drop(int index) {
  std::vector<int> path = std::move(branches_[static_cast<size_t>(index)].path);
  branches_[static_cast<size_t>(index)].path.clear();
  cache_->TrimBranch(index);
  for (int node : path) {
    int& holder = holder_[static_cast<size_t>(node)];
    if (holder != index) continue;
    holder = -1;
    for (int other = 0; other < cache_->branches() && holder < 0; ++other) {
      if (Holds(other, node)) holder = other;
    }
    if (holder < 0) --cells_;
  }
}

Status DecodedPaths::Submit(const Cancellation& cancellation, Usage* usage) {
  std::sort(plan_.begin(), plan_.end());
  std::vector<std::vector<llama_seq_id>> sequences(plan_.size());
  for (size_t i = 0; i < branches_.size(); ++i) {
    for (int node = branches_[i].tip; node > 0 && planned_[static_cast<size_t>(node)] != 0; node = tree_.parent(node)) {
      const auto index = std::lower_bound(plan_.begin(), plan_.end(), node) - plan_.begin();
      sequences[static_cast<size_t>(index)].push_back(cache_->BranchSequence(static_cast<int>(i)));
    }
  }
  batch_.Clear();
  std::vector<llama_seq_id> all{slot_};
  for (size_t i = 0; i < branches_.size() && deferred_ > 0; ++i) {
    if (branches_[i].claimed) all.push_back(cache_->BranchSequence(static_cast<int>(i)));
  }
  for (int i = prompt_length_ - deferred_; i < prompt_length_; ++i) {
    batch_.AddShared((*prompt_)[static_cast<size_t>(i)], i, all, i + 1 == prompt_length_);
  }
  for (size_t i = 0; i < plan_.size(); ++i) {
    const int node = plan_[i];
    batch_.AddShared(tree_.token(node), prompt_length_ + tree_.depth(node) - 1, sequences[i],
                     needs_row_[static_cast<size_t>(node)] != 0);
  }
  const int count = batch_.size() - deferred_;
  const int free_cells = room_ - cells_ - count;
  Status status = context_->Decode(&batch_, Kernels::kBatch, free_cells, cancellation, usage);
  if (deferred_ > 0) {
    if (status.ok()) {
      // Nothing was claimed before, so that these are the first branches.
      cache_->CommitDeferred(slot_, *prompt_, static_cast<int>(all.size()) - 1, context_->Row(deferred_ - 1));
    } else {
      cache_->DiscardDeferred(slot_);
    }
    deferred_ = 0;
  }
  if (!status.ok()) return status;
  cells_ += count;
  for (size_t i = 0; i < branches_.size(); ++i) {
    Branch& branch = branches_[i];
    if (branch.tip < 0) continue;
    branch.path = PathTo(branch.tip);
    for (int node : branch.path) {
      int& holder = holder_[static_cast<size_t>(node)];
      if (holder < 0) holder = static_cast<int>(i);
    }
  }
  return Status::Ok();
}

}  // namespace autocog
