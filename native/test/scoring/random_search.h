// Random searches over a random tree, for tests, and their true results.

#ifndef AUTOCOG_TEST_SCORING_RANDOM_SEARCH_H_
#define AUTOCOG_TEST_SCORING_RANDOM_SEARCH_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/scoring/choice_bounds.h"
#include "test/scoring/random_tree.h"

namespace autocog::test {

// Choices that end at every leaf and at some inner nodes. With `ends`, the end of every choice is scored.
// In half of the cases, all lengths are 1 and all offsets 0.
inline SearchRequest RandomSearch(std::mt19937* random, FlatTree* tree, bool ends) {
  std::vector<bool> inner(tree->parents.size(), false);
  for (size_t i = 1; i < tree->parents.size(); ++i) inner[static_cast<size_t>(tree->parents[i])] = true;
  const bool plain = std::bernoulli_distribution(0.5)(*random);
  SearchRequest request;
  std::fill(tree->end_at.begin(), tree->end_at.end(), uint8_t{0});
  for (size_t node = ends ? 0 : 1; node < tree->parents.size(); ++node) {
    if (inner[node] && !std::bernoulli_distribution(0.2)(*random)) continue;
    const int entries = !plain && std::bernoulli_distribution(0.1)(*random) ? 2 : 1;
    for (int i = 0; i < entries; ++i) {
      request.nodes.push_back(static_cast<int32_t>(node));
      request.lengths.push_back(plain ? 1 : std::uniform_real_distribution<double>(0.5, 9)(*random));
      request.offsets.push_back(plain ? 0 : std::uniform_real_distribution<double>(-9, 1)(*random));
      request.copies.push_back(std::uniform_int_distribution<int>(1, 3)(*random) / 3 + 1);
    }
    if (ends) tree->end_at[node] = 1;
  }
  request.top = std::uniform_int_distribution<int>(0, 4)(*random);
  request.tolerance = request.top == 0 || std::bernoulli_distribution(0.3)(*random)
                          ? std::uniform_real_distribution<double>(0, 0.3)(*random)
                          : 0;
  return request;
}

// The scores of all choices, from the log-probabilities of all nodes.
inline std::vector<double> TrueScores(const SearchRequest& request, const FlatTree& tree, const TreeScores& scores) {
  std::vector<double> result;
  for (size_t i = 0; i < request.nodes.size(); ++i) {
    const auto end = static_cast<size_t>(request.nodes[i]);
    double sum = tree.end_at[end] != 0 ? scores.ends[end] : 0;
    for (auto node = request.nodes[i]; node > 0; node = tree.parents[static_cast<size_t>(node)]) {
      sum += scores.logprobs[static_cast<size_t>(node)];
    }
    result.push_back(sum / request.lengths[i] - request.offsets[i]);
  }
  return result;
}

// The scores, each repeated by its number of copies, best first.
inline std::vector<double> Ranked(const SearchRequest& request, const std::vector<double>& scores) {
  std::vector<double> ranked;
  for (size_t i = 0; i < scores.size(); ++i) {
    ranked.insert(ranked.end(), static_cast<size_t>(request.copies[i]), scores[i]);
  }
  std::sort(ranked.rbegin(), ranked.rend());
  return ranked;
}

}  // namespace autocog::test

#endif  // AUTOCOG_TEST_SCORING_RANDOM_SEARCH_H_
