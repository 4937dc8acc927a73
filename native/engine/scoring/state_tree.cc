// See state_tree.h.

#include "engine/scoring/state_tree.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace autocog {

StateTree::StateTree(Context* context, PrefixCache* cache, const TokenTree& tree, int slot, int prompt_length,
                     bool whole)
    : context_(context),
      cache_(cache),
      tree_(tree),
      slot_(slot),
      prompt_length_(prompt_length),
      grows_(false),
      nodes_(static_cast<size_t>(tree.size())),
      held_(static_cast<size_t>(cache->branches()), -1) {
  for (int node : tree.decoded()) ++At(tree.parent(node)).unstarted;
  for (int node = tree.size(); --node > 0;) {
    Node& parent = At(tree.parent(node));
    parent.forks = std::max(parent.forks, At(node).forks + (parent.unstarted > 1 ? 1 : 0));
  }
  // Every branch may hold a path of its own, so that their number limits the cells. A whole tree with branches
  // for all forks of a path has no more cells than nodes, since no state is computed again.
  const int depth = std::max(1, tree.decoded_depth());
  const int nodes = static_cast<int>(tree.decoded().size());
  int branches = cache->branches();
  const int room = cache->MakeRoom(std::min(nodes, branches * depth), slot);
  const bool once = whole && At(0).forks < branches && nodes <= room;
  if (!once) branches = std::clamp(room / depth, 1, branches);
  for (int branch = branches; branch-- > 0;) free_.push_back(branch);
}

StateTree::StateTree(Context* context, PrefixCache* cache, const TokenTree& tree, int slot, int prompt_length,
                     int max_depth)
    : context_(context),
      cache_(cache),
      tree_(tree),
      slot_(slot),
      prompt_length_(prompt_length),
      grows_(true),
      nodes_(1),
      held_(static_cast<size_t>(cache->branches()), -1) {
  const int depth = std::max(1, max_depth);
  int branches = cache->branches();
  branches = std::clamp(cache->MakeRoom(branches * depth, slot) / depth, 1, branches);
  for (int branch = branches; branch-- > 0;) free_.push_back(branch);
}

StateTree::~StateTree() {
  for (int branch = 0; branch < cache_->branches(); ++branch) cache_->TrimBranch(branch);
}

Status StateTree::Decode(const std::vector<int>& requested, const std::vector<OpenNode>& open_nodes,
                         const OnRows& on_rows, const Cancellation& cancellation, Usage* usage) {
  open_nodes_ = &open_nodes;
  if (grows_) Grow(open_nodes);
  std::vector<int> missing = requested;
  while (!missing.empty()) {
    Mark(missing);
    for (;;) {
      if (Status status = StartPaths(); !status.ok()) return status;
      if (paths_.empty()) break;
      if (Status status = Step(on_rows, cancellation, usage); !status.ok()) return status;
    }
    // Those whose ancestor's state was given up; their marks are set again, from another state.
    const auto is_marked = [this](int node) { return At(node).marked; };
    missing.erase(std::remove_if(missing.begin(), missing.end(), [&](int node) { return !is_marked(node); }),
                  missing.end());
    for (int node : missing) {
      for (; node > 0 && At(node).marked; node = tree_.parent(node)) At(node).marked = false;
    }
  }
  return Status::Ok();
}

void StateTree::Grow(const std::vector<OpenNode>& open_nodes) {
  nodes_.resize(static_cast<size_t>(tree_.size()));
  for (Node& node : nodes_) node.open = false;
  for (const OpenNode& open : open_nodes) At(open.node).open = true;
}

void StateTree::CountForks() {
  for (Node& node : nodes_) node.unstarted = node.forks = 0;
  for (int node = tree_.size(); --node > 0;) {
    if (!At(node).marked) continue;
    Node& parent = At(tree_.parent(node));
    if (!At(node).started) ++parent.unstarted;
    const bool forks = parent.missing + (parent.open ? 1 : 0) > 1;
    parent.forks = std::max(parent.forks, At(node).forks + (forks ? 1 : 0));
  }
}

void StateTree::Keep(const std::vector<OpenNode>& open_nodes) {
  Grow(open_nodes);
  std::vector<uint8_t> needed(held_.size(), 0);
  for (const OpenNode& open : open_nodes) {
    int held = open.node;
    while (!IsHeld(held)) held = tree_.parent(held);
    if (held > 0) needed[static_cast<size_t>(At(held).holder)] = 1;
  }
  for (size_t i = 0; i < held_.size(); ++i) {
    if (held_[i] < 0 || needed[i] != 0) continue;
    At(std::exchange(held_[i], -1)).holder = -1;
    Release(static_cast<int>(i));
  }
}

void StateTree::Mark(const std::vector<int>& requested) {
  for (Node& node : nodes_) node.missing = node.cursor = 0;
  for (int node : requested) {
    while (!IsHeld(node) && !At(node).marked) {
      At(node).marked = true;
      node = tree_.parent(node);
      ++At(node).missing;
    }
    if (IsHeld(node) && (waiting_.empty() || waiting_.back() != node)) waiting_.push_back(node);
  }
  std::sort(waiting_.begin(), waiting_.end());
  waiting_.erase(std::unique(waiting_.begin(), waiting_.end()), waiting_.end());
  if (grows_) CountForks();
}

Status StateTree::StartPaths() {
  while (!waiting_.empty()) {
    const int node = waiting_.back();
    if (At(node).missing == 0) {
      waiting_.pop_back();
      continue;
    }
    const std::vector<int>& children = tree_.children(node);
    int& cursor = At(node).cursor;
    while (!At(children[static_cast<size_t>(cursor)]).marked) ++cursor;
    const int child = children[static_cast<size_t>(cursor)];
    const int branch = TakeBranch(node, child);
    if (branch < 0) break;
    paths_.push_back({branch, child});
    Start(child);
    if (!IsHeld(node)) waiting_.pop_back();
  }
  if (paths_.empty() && !waiting_.empty()) return Status(Code::kInternal, "No branch is available for the tree");
  return Status::Ok();
}

void StateTree::Start(int node) {
  Node& parent = At(tree_.parent(node));
  --parent.missing;
  if (!At(node).started) --parent.unstarted;
  At(node).started = true;
  At(node).marked = false;
}

int StateTree::TakeBranch(int node, int child) {
  Node& at = At(node);
  const auto take_over = [&] {
    const int branch = at.holder;
    at.holder = -1;
    held_[static_cast<size_t>(branch)] = -1;
    return branch;
  };
  if (node > 0 && Continuation(node) >= 0) return take_over();
  const auto evictable = std::count_if(held_.begin(), held_.end(), [this](int held) { return CanEvict(held); });
  const auto available = static_cast<int>(free_.size()) + static_cast<int>(evictable);
  // As long as each path finds as many branches as it may need, one of them can always go on, and free
  // branches for the others, so that no state is lost.
  if (!paths_.empty() && available <= At(child).forks) return -1;
  int branch = -1;
  if (!free_.empty()) {
    branch = free_.back();
    free_.pop_back();
  } else {
    branch = Evict();
  }
  if (branch < 0) return paths_.empty() && node > 0 ? take_over() : -1;
  if (node == 0) {
    cache_->Attach(branch, slot_, prompt_length_);
  } else {
    cache_->Attach(branch, PrefixCache::kNoSlot, 0);
    context_->Share(cache_->BranchSequence(at.holder), cache_->BranchSequence(branch), 0,
                    prompt_length_ + tree_.depth(node));
  }
  return branch;
}

bool StateTree::CanEvict(int held) { return held >= 0 && At(held).missing == 0; }

int StateTree::Evict() {
  std::vector<double> priorities(held_.size(), -std::numeric_limits<double>::infinity());
  for (const OpenNode& open : *open_nodes_) {
    int held = open.node;
    while (!IsHeld(held)) held = tree_.parent(held);
    if (held == 0) continue;
    const int holder = At(held).holder;
    double& priority = priorities[static_cast<size_t>(holder)];
    priority = std::max(priority, open.priority);
  }
  int victim = -1;
  for (size_t branch = 0; branch < held_.size(); ++branch) {
    if (!CanEvict(held_[branch])) continue;
    if (victim < 0 || priorities[branch] < priorities[static_cast<size_t>(victim)]) victim = static_cast<int>(branch);
  }
  if (victim < 0) return -1;
  At(std::exchange(held_[static_cast<size_t>(victim)], -1)).holder = -1;
  return victim;
}

void StateTree::Release(int branch) {
  cache_->TrimBranch(branch);
  free_.insert(std::upper_bound(free_.begin(), free_.end(), branch, std::greater<>()), branch);
}

int StateTree::Continuation(int node) {
  const Node& at = At(node);
  if (at.missing != 1 || at.unstarted > 1 || at.open) return -1;
  const std::vector<int>& children = tree_.children(node);
  const auto next = std::find_if(children.begin(), children.end(), [this](int child) { return At(child).marked; });
  return At(*next).started == (at.unstarted == 0) ? *next : -1;
}

void StateTree::End(const Path& path, int node) {
  Node& at = At(node);
  if (at.holder >= 0 || (at.missing == 0 && at.unstarted == 0 && !at.open)) return Release(path.branch);
  at.holder = path.branch;
  held_[static_cast<size_t>(path.branch)] = node;
  if (at.missing > 0) waiting_.push_back(node);
}

void StateTree::Exchange(int a, int b) {
  cache_->SwapBranches(a, b);
  for (Path& path : paths_) {
    if (path.branch == a || path.branch == b) path.branch = path.branch == a ? b : a;
  }
  std::swap(held_[static_cast<size_t>(a)], held_[static_cast<size_t>(b)]);
  for (int branch : {a, b}) {
    if (held_[static_cast<size_t>(branch)] >= 0) At(held_[static_cast<size_t>(branch)]).holder = branch;
  }
  for (int& branch : free_) {
    if (branch == a || branch == b) branch = branch == a ? b : a;
  }
  std::sort(free_.begin(), free_.end(), std::greater<>());
}

void StateTree::MakeConsecutive(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const int lowest = static_cast<int>(i);
    if (paths_[i].branch != lowest) Exchange(paths_[i].branch, lowest);
  }
}

Status StateTree::Step(const OnRows& on_rows, const Cancellation& cancellation, Usage* usage) {
  const auto by_branch = [](const Path& a, const Path& b) { return a.branch < b.branch; };
  std::sort(paths_.begin(), paths_.end(), by_branch);
  const auto max_tokens = static_cast<size_t>(context_->max_tokens());
  const auto max_rows = static_cast<size_t>(context_->max_rows());
  const size_t count = std::min({paths_.size(), max_tokens, max_rows});
  if (context_->needs_consecutive_ids()) MakeConsecutive(count);
  const auto needs_row = [this](int node) { return tree_.needs_row(node) && !At(node).read; };

  // Node s of path i is at steps[s][i]. Only the first step may find that a path ends: then all do.
  std::vector<std::vector<int>> steps(1);
  size_t rows = 0;
  for (size_t i = 0; i < count; ++i) {
    steps[0].push_back(paths_[i].next);
    if (needs_row(paths_[i].next)) ++rows;
  }
  while ((steps.size() + 1) * count <= max_tokens) {
    std::vector<int> next;
    size_t more = 0;
    for (int node : steps.back()) {
      const int child = Continuation(node);
      if (child < 0) break;
      next.push_back(child);
      if (needs_row(child)) ++more;
    }
    if (next.size() < count || rows + more > max_rows) break;
    rows += more;
    steps.push_back(std::move(next));
  }

  batch_.Clear();
  for (size_t i = 0; i < count; ++i) {
    for (const std::vector<int>& step : steps) {
      const int node = step[i];
      batch_.Add(tree_.token(node), prompt_length_ + tree_.depth(node) - 1, cache_->BranchSequence(paths_[i].branch),
                 needs_row(node));
    }
  }
  {
    Stopwatch watch(&usage->decode_ms);
    Status status = context_->Decode(&batch_, Kernels::kBatch, 0, cancellation, usage);
    if (!status.ok()) return status;
  }
  std::vector<NodeRow> read;
  std::vector<Path> unfinished(paths_.begin() + static_cast<std::ptrdiff_t>(count), paths_.end());
  for (size_t i = 0; i < count; ++i) {
    for (size_t s = 0; s < steps.size(); ++s) {
      const int node = steps[s][i];
      if (needs_row(node)) read.push_back({node, context_->Row(static_cast<int>(i * steps.size() + s))});
      if (s > 0) Start(node);
    }
  }
  for (const NodeRow& each : read) At(each.node).read = true;
  std::vector<Path> decoded(paths_.begin(), paths_.begin() + static_cast<std::ptrdiff_t>(count));
  paths_ = std::move(unfinished);
  for (size_t i = 0; i < count; ++i) {
    const int last = steps.back()[i];
    const int child = Continuation(last);
    if (child < 0) {
      End(decoded[i], last);
      continue;
    }
    Start(child);
    paths_.push_back({decoded[i].branch, child});
  }
  return on_rows(read);
}

}  // namespace autocog
