// See choice_bounds.h.

#include "engine/scoring/choice_bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace autocog {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

Status CheckSearch(const SearchRequest& request, const TokenTree& tree) {
  const size_t size = request.nodes.size();
  if (size == 0 || request.lengths.size() != size || request.offsets.size() != size || request.copies.size() != size) {
    return Status(Code::kInvalidArgument, "Expected nodes, lengths, offsets and copies of equal length, at least 1");
  }
  for (size_t i = 0; i < size; ++i) {
    const bool valid = request.nodes[i] >= 0 && request.nodes[i] < tree.size() && request.lengths[i] > 0 &&
                       !std::isnan(request.offsets[i]) && request.copies[i] >= 1;
    if (!valid) return Status(Code::kInvalidArgument, "Choice " + std::to_string(i) + " of the search is invalid");
  }
  if (request.top < 0 || !(request.tolerance >= 0)) {
    return Status(Code::kInvalidArgument, "Expected a count for top and a tolerance of at least 0");
  }
  return Status::Ok();
}

ChoiceBounds::ChoiceBounds(const TokenTree& tree, const SearchRequest& request) : tree_(tree), request_(request) {
  const auto size = static_cast<size_t>(tree.size());
  for (size_t i = 0; i < request.nodes.size(); ++i) {
    plain_ = plain_ && request.lengths[i] == 1 && request.offsets[i] == 0;
  }
  order_.resize(request.nodes.size());
  std::iota(order_.begin(), order_.end(), size_t{0});
  std::stable_sort(order_.begin(), order_.end(),
                   [&](size_t a, size_t b) { return request.nodes[a] < request.nodes[b]; });
  subtree_end_.resize(size);
  nesting_.resize(size, 0);
  for (int node = tree.size() - 1; node >= 0; --node) {
    const std::vector<int>& children = tree.children(node);
    const auto index = static_cast<size_t>(node);
    subtree_end_[index] = children.empty() ? node + 1 : subtree_end_[static_cast<size_t>(children.back())];
    for (int child : children) {
      const auto [first, last] = EndingAt(child);
      nesting_[index] =
          std::max(nesting_[index], nesting_[static_cast<size_t>(child)] + static_cast<int>(last - first));
    }
  }
  sums_.resize(size, 0);
  open_nodes_.resize(size);
  const auto [first, last] = EndingAt(0);
  if (!tree.needs_end(0)) {
    for (size_t i = first; i < last; ++i) Complete(order_[i], 0);
  }
  OpenNode(0);
}

std::pair<size_t, size_t> ChoiceBounds::EndingAt(int node) const {
  const auto before = [&](size_t choice, int value) { return request_.nodes[choice] < value; };
  const auto first = std::lower_bound(order_.begin(), order_.end(), node, before);
  const auto last = std::lower_bound(first, order_.end(), node + 1, before);
  return {static_cast<size_t>(first - order_.begin()), static_cast<size_t>(last - order_.begin())};
}

std::pair<size_t, size_t> ChoiceBounds::EndingBelow(int node) const {
  const auto before = [&](size_t choice, int value) { return request_.nodes[choice] < value; };
  const auto first = std::lower_bound(order_.begin(), order_.end(), node + 1, before);
  const auto last = std::lower_bound(first, order_.end(), subtree_end_[static_cast<size_t>(node)], before);
  return {static_cast<size_t>(first - order_.begin()), static_cast<size_t>(last - order_.begin())};
}

double ChoiceBounds::ScoreOf(size_t choice, double logprob) const {
  // Probability 0 stays 0, whatever the offset is.
  if (logprob == -kInfinity) return -kInfinity;
  return logprob / request_.lengths[choice] - request_.offsets[choice];
}

void ChoiceBounds::Complete(size_t choice, double logprob) {
  const double score = ScoreOf(choice, logprob);
  scores_.push_back(score);
  if (request_.top == 0) return;
  const auto top = static_cast<size_t>(request_.top);
  for (int copy = 0; copy < request_.copies[choice]; ++copy) {
    if (best_.size() == top && score <= *best_.begin()) return;
    best_.insert(score);
    if (best_.size() > top) best_.erase(best_.begin());
  }
}

void ChoiceBounds::OpenNode(int node) {
  if (!tree_.needs_row(node)) return;
  const auto index = static_cast<size_t>(node);
  Open& open = open_nodes_[index];
  auto [first, last] = EndingBelow(node);
  int nesting = nesting_[index];
  if (tree_.needs_end(node)) {
    const auto here = EndingAt(node);
    first = here.first;  // In order_, these directly precede those below.
    nesting += static_cast<int>(here.second - here.first);
  }
  if (first == last) return;
  open.bound = -kInfinity;
  for (size_t i = first; i < last; ++i) open.bound = std::max(open.bound, ScoreOf(order_[i], sums_[index]));
  if (plain_) {
    // Choices are mutually exclusive unless one is a prefix of another, so at most `nesting` overlap.
    open.log_mass = sums_[index] + std::log(static_cast<double>(nesting));
  } else if (std::isinf(open.bound)) {
    open.log_mass = open.bound;
  } else {
    double sum = 0;
    for (size_t i = first; i < last; ++i) sum += std::exp(ScoreOf(order_[i], sums_[index]) - open.bound);
    open.log_mass = open.bound + std::log(sum);
  }
  open_.emplace(-open.bound, node);
}

void ChoiceBounds::Add(int node, const TreeScores& scores) {
  const auto index = static_cast<size_t>(node);
  open_.erase({-open_nodes_[index].bound, node});
  if (tree_.needs_end(node)) {
    const auto [first, last] = EndingAt(node);
    for (size_t i = first; i < last; ++i) Complete(order_[i], sums_[index] + scores.ends[index]);
  }
  for (int child : tree_.children(node)) {
    const auto child_index = static_cast<size_t>(child);
    sums_[child_index] = sums_[index] + scores.logprobs[child_index];
    if (!tree_.needs_end(child)) {
      const auto [first, last] = EndingAt(child);
      for (size_t i = first; i < last; ++i) Complete(order_[i], sums_[child_index]);
    }
    OpenNode(child);
  }
}

double ChoiceBounds::Threshold() const {
  const bool complete = request_.top > 0 && best_.size() == static_cast<size_t>(request_.top);
  return complete ? *best_.begin() : -kInfinity;
}

bool ChoiceBounds::WithinTolerance() const {
  if (scores_.empty()) return false;
  // Probabilities are relative to the best score, whose interval is the widest of all complete choices.
  const double best = *std::max_element(scores_.begin(), scores_.end());
  if (std::isinf(best)) return false;
  double complete = 0;
  for (double score : scores_) complete += std::exp(score - best);
  double open_mass = 0;
  for (const auto& [negative_bound, node] : open_) {
    open_mass += std::exp(open_nodes_[static_cast<size_t>(node)].log_mass - best);
  }
  if (!(1 / complete - 1 / (complete + open_mass) <= request_.tolerance)) return false;
  if (request_.top > 0) return true;
  const double bound = std::exp(-open_.begin()->first - best);
  return bound / (complete + bound) <= request_.tolerance;
}

bool ChoiceBounds::Done() const {
  if (open_.empty()) return true;
  // With an equal bound there may be a tie, which the choice that comes first wins.
  if (request_.top > 0 && !(Threshold() > -open_.begin()->first)) return false;
  if (request_.tolerance > 0) return WithinTolerance();
  return request_.top > 0;
}

std::vector<int> ChoiceBounds::Next(int count) const {
  const double min_bound = request_.tolerance > 0 ? -kInfinity : Threshold();
  std::vector<int> nodes;
  for (const auto& [negative_bound, node] : open_) {
    if (static_cast<int>(nodes.size()) == count || -negative_bound < min_bound) break;
    nodes.push_back(node);
  }
  return nodes;
}

}  // namespace autocog
