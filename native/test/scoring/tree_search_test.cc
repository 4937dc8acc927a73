// Searches on the default model: the results equal those of scoring every node, whatever the limits of the
// context.

#include "engine/scoring/tree_search.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "test/common/check.h"
#include "test/scoring/random_search.h"
#include "test/session/session_support.h"

using autocog::ContextOptions;
using autocog::Session;
using autocog::Tokens;
using autocog::test::Never;

namespace {

constexpr double kExact = 1e-4;  // F32 weights, F32 cache

ContextOptions WithLimits(std::mt19937* random, int prompt, int depth) {
  ContextOptions options = autocog::test::ExactOptions();
  const auto between = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(*random); };
  options.context_size = std::max(4, prompt + depth + between(0, 40));
  options.batch_size = between(2, 40);
  options.micro_batch_size = between(2, options.batch_size);
  options.max_sequences = between(5, 20);
  options.logits_budget = static_cast<size_t>(between(0, 40)) * 4096;
  return options;
}

}  // namespace

TEST_CASE("a search returns the same scores and best choices as scoring every node") {
  std::mt19937 random(11);
  int saved = 0;
  int total = 0;
  int redecoded = 0;
  for (int round = 0; round < 60; ++round) {
    const int size = std::uniform_int_distribution<int>(1, 300)(random);
    const int depth = 1 + round % 10;
    autocog::test::FlatTree flat = autocog::test::RandomTree(&random, size, depth, 200, 0);
    const Tokens ends{1, 7};
    auto search = autocog::test::RandomSearch(&random, &flat, round % 4 == 0);
    if (round % 6 == 4) {
      search.top = 0;
      search.tolerance = 1e-6;
    }
    const Tokens prompt = autocog::test::RandomPrompt(&random, 1 + round % 20);
    const autocog::TreeRequest request{flat.tokens, flat.parents, flat.end_at, ends, false, round % 2 == 0};

    auto plain = autocog::test::Open("F32");
    auto expected = plain->ScoreTree(prompt, request, std::nullopt, Never());
    EXPECT(expected.ok());
    auto limited =
        autocog::test::Open("F32", WithLimits(&random, static_cast<int>(prompt.size()), depth), 1 + round % 2);
    auto actual = limited->ScoreTree(prompt, request, search, Never());
    EXPECT(actual.ok());
    if (!actual.ok() || !expected.ok()) continue;

    const auto& all = expected.value();
    const auto& some = actual.value();
    int known = 0;
    int rows = 0;
    for (size_t node = 0; node < flat.tokens.size(); ++node) {
      if (std::isnan(some.logprobs[node])) continue;
      EXPECT_NEAR(some.logprobs[node], all.logprobs[node], kExact);
      ++known;
      if (!std::isnan(some.ends[node])) EXPECT_NEAR(some.ends[node], all.ends[node], kExact);
      if (!request.details) continue;
      if (!std::isnan(some.details.entropies[node])) {
        ++rows;
        EXPECT_NEAR(some.details.entropies[node], all.details.entropies[node], 1e-3);
      }
      EXPECT(some.details.best_tokens[node] == all.details.best_tokens[node]);
    }
    total += all.usage.decoded_tokens;
    saved += all.usage.decoded_tokens - some.usage.decoded_tokens;
    if (request.details && some.usage.decoded_tokens > rows - 1 + static_cast<int>(prompt.size())) ++redecoded;

    // Complete choices have their true scores, and all open ones are worse than the best.
    const auto truth = autocog::test::TrueScores(search, flat, all);
    const auto scores = autocog::test::TrueScores(search, flat, some);
    const auto ranked = autocog::test::Ranked(search, truth);
    const auto top = std::min(static_cast<size_t>(search.top), ranked.size());
    for (size_t i = 0; i < truth.size(); ++i) {
      if (!std::isnan(scores[i])) {
        EXPECT_NEAR(scores[i], truth[i], 20 * kExact);
      } else if (search.top > 0) {
        EXPECT(truth[i] < ranked[top - 1] + 20 * kExact);
      } else {
        EXPECT(search.tolerance > 0);
      }
    }
    // The context is unchanged.
    auto repeated = limited->ScoreTree(prompt, request, search, Never());
    EXPECT(repeated.ok());
    EXPECT(repeated.value().usage.cached_tokens == static_cast<int>(prompt.size()));
    EXPECT(known >= 1);
  }
  // Some of the trees do not fit their contexts, so paths are evicted and decoded again.
  EXPECT(redecoded > 0);
  EXPECT(saved * 5 > total);
}

TEST_CASE("an aborted search leaves only the prompt on its slot") {
  std::mt19937 random(5);
  autocog::test::FlatTree flat = autocog::test::RandomTree(&random, 400, 6, 200, 0);
  auto search = autocog::test::RandomSearch(&random, &flat, false);
  search.top = 0;
  search.tolerance = 1e-9;
  const autocog::TreeRequest request{flat.tokens, flat.parents, flat.end_at, {}, false, false};
  auto session = autocog::test::Open("F32");
  const Tokens prompt = autocog::test::RandomPrompt(&random, 30);
  EXPECT(session->Ingest(prompt, Never()).ok());
  auto flag = autocog::NewCancelFlag();
  flag->store(true);
  auto aborted = session->ScoreTree(prompt, request, search, autocog::Cancellation(autocog::test::Owner(), flag));
  EXPECT(!aborted.ok() && aborted.status().code() == autocog::Code::kAborted);
  auto after = session->ScoreTree(prompt, request, search, Never());
  EXPECT(after.ok());
  EXPECT(after.value().usage.cached_tokens == 30);
  auto fresh = autocog::test::Open("F32");
  auto expected = fresh->ScoreTree(prompt, request, std::nullopt, Never());
  EXPECT(expected.ok());
  for (size_t node = 0; node < flat.tokens.size(); ++node) {
    if (!std::isnan(after.value().logprobs[node])) {
      EXPECT_NEAR(after.value().logprobs[node], expected.value().logprobs[node], kExact);
    }
  }
}
