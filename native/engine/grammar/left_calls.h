// Which rules a rule can begin with, and which can be empty: what decides whether a grammar is
// left-recursive.

#ifndef AUTOCOG_ENGINE_GRAMMAR_LEFT_CALLS_H_
#define AUTOCOG_ENGINE_GRAMMAR_LEFT_CALLS_H_

#include <cstddef>
#include <vector>

#include "engine/grammar/grammar.h"

namespace autocog {

// Of each rule: whether it can be empty.
std::vector<bool> FindNullable(const Grammar& grammar);

// llama.cpp looks no further than for an alternative that is empty as it stands.
std::vector<bool> FindEmptyAsWritten(const Grammar& grammar);

struct LeftCall {
  size_t rule;
  // Whether anything comes behind it in its alternative.
  bool is_followed;
};

// Of each rule: those that it may begin with, where what comes before them is `empty`.
std::vector<std::vector<LeftCall>> FindLeftCalls(const Grammar& grammar, const std::vector<bool>& empty);

// A component for each rule: rules have the same where each can begin with the other. Callers have greater ones than
// what they call.
std::vector<size_t> FindComponents(const std::vector<std::vector<LeftCall>>& calls);

// The rules of a way from `from` to `to` along calls, both included; `from` alone gives what it takes to come back.
// REQUIRES: that there is one.
std::vector<size_t> FindWay(const std::vector<std::vector<LeftCall>>& calls, size_t from, size_t to);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_LEFT_CALLS_H_
