// Several prompts in one tree, as given tokens, which are not scored.

#include <cmath>
#include <random>

#include "engine/session/session.h"
#include "test/common/check.h"
#include "test/scoring/random_tree.h"
#include "test/session/session_support.h"

using autocog::Code;
using autocog::ContextOptions;
using autocog::Tokens;
using autocog::test::Never;
using autocog::test::Open;
using autocog::test::ScoreTree;

namespace {

constexpr double kExact = 1e-4;  // F32 weights, F32 cache

}  // namespace

TEST_CASE("prompts in one tree are scored as separately, and shared prefixes are decoded once") {
  std::mt19937 random(21);
  for (int round = 0; round < 12; ++round) {
    // Two trees, after the tokens 3 5 and 3 9 4, where 3 is either the prompt or a given token.
    const auto one = autocog::test::RandomTree(&random, 30, 5, 200, 0.2);
    const auto two = autocog::test::RandomTree(&random, 20, 4, 200, 0.2);
    const bool rooted = round % 2 == 0;
    autocog::test::FlatTree forest;
    const auto add = [&](int32_t token, int32_t parent, uint8_t flags) {
      forest.tokens.push_back(token);
      forest.parents.push_back(parent);
      forest.end_at.push_back(flags);
      return static_cast<int32_t>(forest.tokens.size()) - 1;
    };
    const auto graft = [&](const autocog::test::FlatTree& tree, int32_t root) {
      const int32_t shift = root;
      for (size_t i = 1; i < tree.tokens.size(); ++i) {
        add(tree.tokens[i], tree.parents[i] + shift, tree.end_at[i]);
      }
    };
    const int32_t top = rooted ? 0 : add(3, 0, autocog::kGiven);
    const int32_t first = add(5, top, autocog::kGiven);
    graft(one, first);
    const int32_t second = add(4, add(9, top, autocog::kGiven), autocog::kGiven);
    graft(two, second);

    ContextOptions options = autocog::test::ExactOptions();
    if (round % 3 == 1) options.batch_size = options.micro_batch_size = 7;
    if (round % 3 == 2) options.max_sequences = 6;
    auto together = Open("F32", options);
    const Tokens ends{1, 7};
    auto actual = ScoreTree(together.get(), rooted ? Tokens{3} : Tokens{}, forest.tokens, forest.parents, forest.end_at,
                            ends, false, Never());
    EXPECT(actual.ok());
    const auto check = [&](const Tokens& prompt, const autocog::test::FlatTree& tree, int32_t root) {
      auto alone = Open("F32");
      auto expected = ScoreTree(alone.get(), prompt, tree.tokens, tree.parents, tree.end_at, ends, false, Never());
      EXPECT(expected.ok());
      for (size_t i = 1; i < tree.tokens.size(); ++i) {
        const size_t index = i + static_cast<size_t>(root);
        EXPECT_NEAR(actual.value().logprobs[index], expected.value().logprobs[i], kExact);
        EXPECT(std::isnan(actual.value().ends[index]) == std::isnan(expected.value().ends[i]));
        if (!std::isnan(expected.value().ends[i])) {
          EXPECT_NEAR(actual.value().ends[index], expected.value().ends[i], kExact);
        }
      }
      return expected.value().usage.decoded_tokens;
    };
    // Separately, both decode the shared token 3.
    const int separate = check({3, 5}, one, first) + check({3, 9, 4}, two, second);
    EXPECT(actual.value().usage.decoded_tokens == separate - 1);
  }
  auto session = Open("F32");
  auto rejected = ScoreTree(session.get(), {}, {-1, 3}, {-1, 0}, {0, 0}, {}, false, Never());
  EXPECT(!rejected.ok() && rejected.status().code() == Code::kOutOfRange);
}
