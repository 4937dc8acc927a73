// Random flattened token trees, for tests.

#ifndef AUTOCOG_TEST_SCORING_RANDOM_TREE_H_
#define AUTOCOG_TEST_SCORING_RANDOM_TREE_H_

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/scoring/token_tree.h"

namespace autocog::test {

struct FlatTree {
  std::vector<int32_t> tokens{-1};
  std::vector<int32_t> parents{-1};
  std::vector<uint8_t> end_at{0};
};

// `size` nodes below the root, with a depth of at most `depth` and tokens below `vocabulary`. Siblings may
// have the same token, which the engine supports.
inline FlatTree RandomTree(std::mt19937* random, int size, int depth, int vocabulary, double end_share) {
  FlatTree tree;
  std::vector<int> open{0};  // the path to the last node
  for (int i = 1; i <= size; ++i) {
    const size_t max_length = std::min<size_t>(open.size(), static_cast<size_t>(depth));
    open.resize(std::uniform_int_distribution<size_t>(1, max_length)(*random));
    tree.parents.push_back(open.back());
    tree.tokens.push_back(std::uniform_int_distribution<int>(0, vocabulary - 1)(*random));
    tree.end_at.push_back(std::bernoulli_distribution(end_share)(*random) ? 1 : 0);
    open.push_back(i);
  }
  return tree;
}

// Marks some tokens from the root down as given, like those of prompts. Their ends are not scored.
inline void GiveSome(std::mt19937* random, FlatTree* tree) {
  for (size_t node = 1; node < tree->parents.size(); ++node) {
    const auto parent = static_cast<size_t>(tree->parents[node]);
    const bool below_given = parent == 0 || (tree->end_at[parent] & kGiven) != 0;
    if (below_given && std::bernoulli_distribution(0.7)(*random)) tree->end_at[node] = kGiven;
  }
}

}  // namespace autocog::test

#endif  // AUTOCOG_TEST_SCORING_RANDOM_TREE_H_
