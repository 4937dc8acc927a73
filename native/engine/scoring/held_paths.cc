// See held_paths.h.

#include "engine/scoring/held_paths.h"

#include <algorithm>
#include <limits>

namespace autocog {

HeldPaths::HeldPaths(Context* context, PrefixCache* cache, const TokenTree& tree, int slot, int prompt_length)
    : context_(context),
      cache_(cache),
      tree_(tree),
      slot_(slot),
      prompt_length_(prompt_length),
      branches_(static_cast<size_t>(cache->branches())),
      holders_(static_cast<size_t>(tree.size()), -1),
      planned_(static_cast<size_t>(tree.size()), 0),
      wants_row_(static_cast<size_t>(tree.size()), 0) {}

HeldPaths::~HeldPaths() {
  for (int branch = 0; branch < cache_->branches(); ++branch) cache_->TrimBranch(branch);
}

bool HeldPaths::Holds(int branch, int node) const {
  const std::vector<int>& path = branches_[static_cast<size_t>(branch)].path;
  const auto depth = static_cast<size_t>(tree_.depth(node));
  return path.size() >= depth && path[depth - 1] == node;
}

std::vector<int> HeldPaths::PathTo(int node) const {
  std::vector<int> path;
  for (; node > 0; node = tree_.parent(node)) path.push_back(node);
  std::reverse(path.begin(), path.end());
  return path;
}

std::vector<int> HeldPaths::MissingTo(int node) const {
  std::vector<int> missing;
  for (; !IsHeld(node) && planned_[static_cast<size_t>(node)] == 0; node = tree_.parent(node)) missing.push_back(node);
  return missing;
}

Result<std::vector<int>> HeldPaths::Decode(const std::vector<int>& wanted, const std::vector<Prospect>& prospects,
                                           const Cancellation& cancellation, Usage* usage) {
  prospects_ = &prospects;
  Begin(static_cast<int>(wanted.size()));
  if (Status status = Approach(wanted.front(), cancellation, usage); !status.ok()) return status;
  size_t count = 0;
  while (count < wanted.size() && Add(wanted[count], true)) ++count;
  if (count == 0) return Status(Code::kInternal, "A search found no room for a single path");
  if (Status status = Submit(cancellation, usage); !status.ok()) return status;
  std::vector<int> places;
  for (size_t i = 0; i < count; ++i) {
    const auto place = std::lower_bound(plan_.begin(), plan_.end(), wanted[i]);
    places.push_back(static_cast<int>(place - plan_.begin()));
  }
  return places;
}

Status HeldPaths::Approach(int node, const Cancellation& cancellation, Usage* usage) {
  const auto most = static_cast<size_t>(context_->max_tokens());
  for (;;) {
    const std::vector<int> missing = MissingTo(node);
    if (missing.size() <= most) return Status::Ok();
    if (!Add(missing[missing.size() - most], false)) {
      return Status(Code::kInternal, "A search found no room for a path longer than the batch");
    }
    if (Status status = Submit(cancellation, usage); !status.ok()) return status;
    Begin(1);
  }
}

void HeldPaths::Begin(int count) {
  for (int node : plan_) planned_[static_cast<size_t>(node)] = wants_row_[static_cast<size_t>(node)] = 0;
  plan_.clear();
  rows_ = 0;
  for (Branch& branch : branches_) {
    branch.claimed = false;
    branch.tip = -1;
  }
  // Other prompts go before paths that may be needed again.
  room_ = cache_->MakeRoom(cells_ + count + tree_.decoded_depth() + 1, slot_);
}

bool HeldPaths::Add(int node, bool wants_row) {
  if (wants_row && rows_ == context_->max_rows()) return false;
  const std::vector<int> missing = MissingTo(node);
  const int from = missing.empty() ? node : tree_.parent(missing.back());
  if (static_cast<int>(plan_.size() + missing.size()) > context_->max_tokens()) return false;
  while (cells_ + static_cast<int>(plan_.size() + missing.size()) > room_) {
    if (!GiveUpOne(from)) return false;
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
  if (!wants_row) return true;
  wants_row_[static_cast<size_t>(node)] = 1;
  ++rows_;
  return true;
}

int HeldPaths::FreeBranch() const {
  const auto is_free = [](const Branch& branch) { return branch.path.empty() && !branch.claimed; };
  const auto found = std::find_if(branches_.begin(), branches_.end(), is_free);
  return found == branches_.end() ? -1 : static_cast<int>(found - branches_.begin());
}

int HeldPaths::Claim(int node) {
  const auto depth = static_cast<size_t>(tree_.depth(node));
  int found = -1;
  // Where a path ends with the node, it is gone on with; else a copy of it.
  for (size_t i = 0; i < branches_.size() && depth > 0 && found < 0; ++i) {
    const Branch& branch = branches_[i];
    if (!branch.claimed && branch.path.size() == depth && branch.path.back() == node) found = static_cast<int>(i);
  }
  if (found < 0) {
    while ((found = FreeBranch()) < 0) {
      if (!GiveUpOne(node)) return -1;
    }
    cache_->Attach(found, slot_, prompt_length_);
    if (depth > 0) {
      const llama_seq_id source = cache_->BranchSequence(holders_[static_cast<size_t>(node)]);
      context_->Share(source, cache_->BranchSequence(found), prompt_length_, prompt_length_ + tree_.depth(node));
    }
    branches_[static_cast<size_t>(found)].path = PathTo(node);
  }
  branches_[static_cast<size_t>(found)].claimed = true;
  return found;
}

bool HeldPaths::GiveUpOne(int kept) {
  std::vector<double> worths(branches_.size(), -std::numeric_limits<double>::infinity());
  for (const Prospect& prospect : *prospects_) {
    int held = tree_.parent(prospect.node);
    while (!IsHeld(held)) held = tree_.parent(held);
    if (held == 0) continue;
    double& worth = worths[static_cast<size_t>(holders_[static_cast<size_t>(held)])];
    worth = std::max(worth, prospect.worth);
  }
  int least = -1;
  for (size_t i = 0; i < branches_.size(); ++i) {
    const int branch = static_cast<int>(i);
    if (branches_[i].claimed || branches_[i].path.empty()) continue;
    if (kept > 0 && IsHeld(kept) && holders_[static_cast<size_t>(kept)] == branch) continue;
    if (least < 0 || worths[i] < worths[static_cast<size_t>(least)]) least = branch;
  }
  if (least < 0) return false;
  Drop(least);
  return true;
}

void HeldPaths::Drop(int index) {
  std::vector<int> path = std::move(branches_[static_cast<size_t>(index)].path);
  branches_[static_cast<size_t>(index)].path.clear();
  cache_->TrimBranch(index);
  for (int node : path) {
    int& holder = holders_[static_cast<size_t>(node)];
    if (holder != index) continue;
    holder = -1;
    for (int other = 0; other < cache_->branches() && holder < 0; ++other) {
      if (Holds(other, node)) holder = other;
    }
    if (holder < 0) --cells_;
  }
}

Status HeldPaths::Submit(const Cancellation& cancellation, Usage* usage) {
  std::sort(plan_.begin(), plan_.end());
  std::vector<std::vector<llama_seq_id>> sequences(plan_.size());
  for (size_t i = 0; i < branches_.size(); ++i) {
    for (int node = branches_[i].tip; node > 0 && planned_[static_cast<size_t>(node)] != 0; node = tree_.parent(node)) {
      const auto place = std::lower_bound(plan_.begin(), plan_.end(), node) - plan_.begin();
      sequences[static_cast<size_t>(place)].push_back(cache_->BranchSequence(static_cast<int>(i)));
    }
  }
  batch_.Clear();
  for (size_t i = 0; i < plan_.size(); ++i) {
    const int node = plan_[i];
    batch_.AddShared(tree_.token(node), prompt_length_ + tree_.depth(node) - 1, sequences[i],
                     wants_row_[static_cast<size_t>(node)] != 0);
  }
  const int count = batch_.size();
  const int free_cells = room_ - cells_ - count;
  Status status = context_->Decode(&batch_, Kernels::kBatch, free_cells, cancellation, usage);
  if (!status.ok()) return status;
  cells_ += count;
  for (size_t i = 0; i < branches_.size(); ++i) {
    Branch& branch = branches_[i];
    if (branch.tip < 0) continue;
    branch.path = PathTo(branch.tip);
    for (int node : branch.path) {
      int& holder = holders_[static_cast<size_t>(node)];
      if (holder < 0) holder = static_cast<int>(i);
    }
  }
  return Status::Ok();
}

}  // namespace autocog
