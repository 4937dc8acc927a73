// See left_calls.h. Nothing here recurses: a grammar may be a chain of a hundred thousand rules.

#include "engine/grammar/left_calls.h"

#include <algorithm>
#include <deque>
#include <limits>

namespace autocog {

namespace {

using Type = GrammarElement::Type;

constexpr size_t kNone = std::numeric_limits<size_t>::max();

// Whether some alternative consists of empty rules only.
bool CanBeEmpty(const std::vector<GrammarElement>& rule, const std::vector<bool>& empty) {
  bool all = true;
  for (const GrammarElement& element : rule) {
    if (EndsAlternative(element)) {
      if (all) return true;
      all = true;
    } else {
      all = all && element.type == Type::kRule && empty[element.value];
    }
  }
  return false;
}

}  // namespace

std::vector<bool> FindEmptyAsWritten(const Grammar& grammar) {
  const std::vector<bool> none(grammar.rules.size());
  std::vector<bool> empty(grammar.rules.size());
  for (size_t id = 0; id < grammar.rules.size(); ++id) empty[id] = CanBeEmpty(grammar.rules[id], none);
  return empty;
}

std::vector<bool> FindNullable(const Grammar& grammar) {
  std::vector<std::vector<size_t>> users(grammar.rules.size());
  for (size_t id = 0; id < grammar.rules.size(); ++id) {
    for (const GrammarElement& element : grammar.rules[id]) {
      if (element.type == Type::kRule) users[element.value].push_back(id);
    }
  }
  std::vector<bool> empty = FindEmptyAsWritten(grammar);
  std::deque<size_t> news;
  for (size_t id = 0; id < empty.size(); ++id) {
    if (empty[id]) news.push_back(id);
  }
  while (!news.empty()) {
    const size_t id = news.front();
    news.pop_front();
    for (size_t user : users[id]) {
      if (empty[user] || !CanBeEmpty(grammar.rules[user], empty)) continue;
      empty[user] = true;
      news.push_back(user);
    }
  }
  return empty;
}

std::vector<std::vector<LeftCall>> FindLeftCalls(const Grammar& grammar, const std::vector<bool>& empty) {
  std::vector<std::vector<LeftCall>> calls(grammar.rules.size());
  for (size_t id = 0; id < grammar.rules.size(); ++id) {
    const auto& rule = grammar.rules[id];
    bool leftmost = true;
    for (size_t i = 0; i < rule.size(); ++i) {
      if (EndsAlternative(rule[i])) {
        leftmost = true;
      } else if (leftmost && rule[i].type == Type::kRule) {
        calls[id].push_back({rule[i].value, !EndsAlternative(rule[i + 1])});
        leftmost = empty[rule[i].value];
      } else {
        leftmost = false;
      }
    }
  }
  return calls;
}

std::vector<size_t> FindComponents(const std::vector<std::vector<LeftCall>>& calls) {
  // Tarjan's algorithm; a component is complete after all that it calls.
  struct Visit {
    size_t rule;
    size_t next_call;
  };
  std::vector<size_t> component(calls.size(), kNone);
  std::vector<size_t> order(calls.size(), kNone);
  std::vector<size_t> lowest(calls.size());
  std::vector<size_t> open;
  std::vector<Visit> visits;
  size_t time = 0;
  size_t components = 0;
  for (size_t first = 0; first < calls.size(); ++first) {
    if (order[first] != kNone) continue;
    visits.push_back({first, 0});
    while (!visits.empty()) {
      const size_t rule = visits.back().rule;
      if (visits.back().next_call == 0) {
        order[rule] = lowest[rule] = time++;
        open.push_back(rule);
      }
      if (visits.back().next_call < calls[rule].size()) {
        const size_t called = calls[rule][visits.back().next_call++].rule;
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
          member = open.back();
          open.pop_back();
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

std::vector<size_t> FindWay(const std::vector<std::vector<LeftCall>>& calls, size_t from, size_t to) {
  std::vector<size_t> caller(calls.size(), kNone);
  std::deque<size_t> next{from};
  while (caller[to] == kNone) {
    const size_t rule = next.front();
    next.pop_front();
    for (const LeftCall& call : calls[rule]) {
      if (caller[call.rule] != kNone) continue;
      caller[call.rule] = rule;
      next.push_back(call.rule);
    }
  }
  std::vector<size_t> way{to};
  do {
    way.push_back(caller[way.back()]);
  } while (way.back() != from);
  std::reverse(way.begin(), way.end());
  return way;
}

}  // namespace autocog
