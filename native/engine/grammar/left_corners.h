// Grammar analysis for the detection of left recursion: which rules are nullable, and which rules a rule
// can start with (its left corners).

#ifndef AUTOCOG_ENGINE_GRAMMAR_LEFT_CORNERS_H_
#define AUTOCOG_ENGINE_GRAMMAR_LEFT_CORNERS_H_

#include <cstddef>
#include <vector>

#include "engine/grammar/grammar.h"

namespace autocog {

// Per rule: whether it can derive the empty text.
std::vector<bool> FindNullable(const Grammar& grammar);

// Per rule: whether it has an empty alternative, which is all that llama.cpp checks.
std::vector<bool> FindTriviallyNullable(const Grammar& grammar);

struct LeftCorner {
  size_t rule;
  // Whether other elements follow it in its alternative.
  bool is_followed;
};

// Per rule: the rules that it may start with, possibly after rules that are `nullable`.
std::vector<std::vector<LeftCorner>> FindLeftCorners(const Grammar& grammar, const std::vector<bool>& nullable);

// Per rule: the number of its strongly connected component, i.e. of the rules that can start with each
// other. Components have greater numbers than those that they call.
std::vector<size_t> FindComponents(const std::vector<std::vector<LeftCorner>>& corners);

// A shortest path from rule `from` to rule `to`, inclusive; a cycle if they are equal. REQUIRES: a path
// exists.
std::vector<size_t> FindPath(const std::vector<std::vector<LeftCorner>>& corners, size_t from, size_t to);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_LEFT_CORNERS_H_
