// See left_corners.h. The algorithms are iterative, since a grammar may be a chain of 100,000 rules.

#include "engine/grammar/left_corners.h"

#include <algorithm>
#include <deque>
#include <limits>

namespace autocog {

namespace {

using Type = GrammarElement::Type;

constexpr size_t kNone = std::numeric_limits<size_t>::max();

// Whether some alternative consists only of nullable rules.
bool IsNullable(const std::vector<GrammarElement>& rule, const std::vector<bool>& nullable) {
  bool all = true;
  for (const GrammarElement& element : rule) {
    if (EndsAlternative(element)) {
      if (all) return true;
      all = true;
    } else {
      all = all && element.type == Type::kRule && nullable[element.value];
    }
  }
  return false;
}

}  // namespace

std::vector<bool> FindTriviallyNullable(const Grammar& grammar) {
  const std::vector<bool> none(grammar.rules.size());
  std::vector<bool> nullable(grammar.rules.size());
  for (size_t id = 0; id < grammar.rules.size(); ++id) nullable[id] = IsNullable(grammar.rules[id], none);
  return nullable;
}

std::vector<bool> FindNullable(const Grammar& grammar) {
  std::vector<std::vector<size_t>> users(grammar.rules.size());
  for (size_t id = 0; id < grammar.rules.size(); ++id) {
    for (const GrammarElement& element : grammar.rules[id]) {
      if (element.type == Type::kRule) users[element.value].push_back(id);
    }
  }
  std::vector<bool> nullable = FindTriviallyNullable(grammar);
  std::deque<size_t> queue;
  for (size_t id = 0; id < nullable.size(); ++id) {
    if (nullable[id]) queue.push_back(id);
  }
  while (!queue.empty()) {
    const size_t id = queue.front();
    queue.pop_front();
    for (size_t user : users[id]) {
      if (nullable[user] || !IsNullable(grammar.rules[user], nullable)) continue;
      nullable[user] = true;
      queue.push_back(user);
    }
  }
  return nullable;
}

std::vector<std::vector<LeftCorner>> FindLeftCorners(const Grammar& grammar, const std::vector<bool>& nullable) {
  std::vector<std::vector<LeftCorner>> corners(grammar.rules.size());
  for (size_t id = 0; id < grammar.rules.size(); ++id) {
    const auto& rule = grammar.rules[id];
    bool leftmost = true;
    for (size_t i = 0; i < rule.size(); ++i) {
      if (EndsAlternative(rule[i])) {
        leftmost = true;
      } else if (leftmost && rule[i].type == Type::kRule) {
        corners[id].push_back({rule[i].value, !EndsAlternative(rule[i + 1])});
        leftmost = nullable[rule[i].value];
      } else {
        leftmost = false;
      }
    }
  }
  return corners;
}

std::vector<size_t> FindComponents(const std::vector<std::vector<LeftCorner>>& corners) {
  // Tarjan's algorithm, which completes a component after those that it calls.
  struct Visit {
    size_t rule;
    size_t next_call;
  };
  std::vector<size_t> component(corners.size(), kNone);
  std::vector<size_t> order(corners.size(), kNone);
  std::vector<size_t> lowest(corners.size());
  std::vector<size_t> stack;
  std::vector<Visit> visits;
  size_t time = 0;
  size_t components = 0;
  for (size_t first = 0; first < corners.size(); ++first) {
    if (order[first] != kNone) continue;
    visits.push_back({first, 0});
    while (!visits.empty()) {
      const size_t rule = visits.back().rule;
      if (visits.back().next_call == 0) {
        order[rule] = lowest[rule] = time++;
        stack.push_back(rule);
      }
      if (visits.back().next_call < corners[rule].size()) {
        const size_t called = corners[rule][visits.back().next_call++].rule;
        if (order[called] == kNone) {
          visits.push_back({called, 0});
        } else if (component[called] == kNone) {
          lowest[rule] = std::min(lowest[rule], order[called]);
        }
        continue;
      }
      if (lowest[rule] == order[rule]) {
        size_t member = kNone;
        while (member != rule) {
          member = stack.back();
          stack.pop_back();
          component[member] = components;
        }
        ++components;
      }
      visits.pop_back();
      if (!visits.empty()) lowest[visits.back().rule] = std::min(lowest[visits.back().rule], lowest[rule]);
    }
  }
  return component;
}

std::vector<size_t> FindPath(const std::vector<std::vector<LeftCorner>>& corners, size_t from, size_t to) {
  std::vector<size_t> caller(corners.size(), kNone);
  std::deque<size_t> next{from};
  while (caller[to] == kNone) {
    const size_t rule = next.front();
    next.pop_front();
    for (const LeftCorner& corner : corners[rule]) {
      if (caller[corner.rule] != kNone) continue;
      caller[corner.rule] = rule;
      next.push_back(corner.rule);
    }
  }
  std::vector<size_t> path{to};
  do {
    path.push_back(caller[path.back()]);
  } while (path.back() != from);
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace autocog
