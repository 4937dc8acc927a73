// Searches over random probabilities, without an engine: open nodes never affect the answer.

#include "engine/scoring/choice_bounds.h"

#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "engine/common/job_thread.h"
#include "engine/model/model.h"
#include "test/common/check.h"
#include "test/scoring/random_search.h"

using autocog::ChoiceBounds;
using autocog::SearchRequest;
using autocog::TokenTree;
using autocog::TreeScores;
using autocog::test::FlatTree;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

const autocog::Vocabulary& SomeVocabulary() {
  static autocog::JobThread owner;
  static auto model = autocog::Model::Load("models/default.gguf", {}, {}, autocog::Cancellation(&owner, nullptr));
  return model.value()->vocabulary();
}

// As in a model, the probabilities of a node's children sum to at most 1.
TreeScores RandomScores(std::mt19937* random, const TokenTree& tree) {
  TreeScores scores;
  scores.logprobs.resize(static_cast<size_t>(tree.size()), 0);
  scores.ends.resize(static_cast<size_t>(tree.size()), kNaN);
  std::exponential_distribution<double> weight(1);
  for (int node = 0; node < tree.size(); ++node) {
    double total = weight(*random) * std::uniform_int_distribution<int>(0, 3)(*random);
    std::map<int32_t, double> weights;
    for (int child : tree.children(node)) weights[tree.token(child)] = std::pow(weight(*random), 4);
    const double end = weight(*random);
    for (const auto& [token, share] : weights) total += share;
    total += end;
    for (int child : tree.children(node)) {
      scores.logprobs[static_cast<size_t>(child)] = std::log(weights[tree.token(child)] / total);
    }
    if (tree.needs_end(node)) scores.ends[static_cast<size_t>(node)] = std::log(end / total);
  }
  return scores;
}

struct Case {
  FlatTree flat;
  SearchRequest request;
  TreeScores scores;
};

double Sum(const std::vector<double>& scores) {
  double sum = 0;
  for (double score : scores) sum += std::exp(score);
  return sum;
}

}  // namespace

TEST_CASE("a search stops once open nodes cannot affect the answer, and not earlier") {
  std::mt19937 random(7);
  int saved = 0;
  for (int round = 0; round < 3000; ++round) {
    const int size = std::uniform_int_distribution<int>(1, 60)(random);
    FlatTree flat = autocog::test::RandomTree(&random, size, 1 + round % 8, 1000, 0);
    const bool ends = round % 3 == 0;
    const SearchRequest request = autocog::test::RandomSearch(&random, &flat, ends);
    auto created = TokenTree::Make(flat.tokens, flat.parents, flat.end_at, SomeVocabulary());
    EXPECT(created.ok());
    const TokenTree& tree = created.value();
    EXPECT(autocog::CheckSearch(request, tree).ok());
    const TreeScores scores = RandomScores(&random, tree);
    const std::vector<double> truth = autocog::test::TrueScores(request, flat, scores);
    const std::vector<double> ranked = autocog::test::Ranked(request, truth);

    ChoiceBounds bounds(tree, request);
    bounds.Add(0, scores);
    std::vector<bool> read(static_cast<size_t>(tree.size()), false);
    read[0] = true;
    while (!bounds.Done()) {
      const std::vector<int> next = bounds.Next(std::uniform_int_distribution<int>(1, 9)(random));
      EXPECT(!next.empty());
      for (int node : next) {
        EXPECT(!read[static_cast<size_t>(node)] && read[static_cast<size_t>(tree.parent(node))]);
        read[static_cast<size_t>(node)] = true;
        bounds.Add(node, scores);
      }
    }
    // A choice is open if a row on its path was not read, including that of its end.
    std::vector<double> complete;
    std::vector<double> open;
    for (size_t i = 0; i < truth.size(); ++i) {
      int node = request.nodes[i];
      if (!tree.needs_end(node)) node = tree.parent(node);
      (node < 0 || read[static_cast<size_t>(node)] ? complete : open).push_back(truth[i]);
    }
    saved += open.empty() ? 0 : 1;
    // The bound of every open node holds for all choices below it.
    bounds.ForEachOpen([&](int node, double bound) {
      for (size_t i = 0; i < truth.size(); ++i) {
        int above = request.nodes[i];
        while (above > node) above = tree.parent(above);
        const bool below = above == node && (request.nodes[i] != node || tree.needs_end(node));
        if (below) EXPECT(truth[i] <= bound + 1e-9);
      }
    });
    if (request.top > 0) {
      const auto top = std::min(static_cast<size_t>(request.top), ranked.size());
      for (double score : open) EXPECT(score < ranked[top - 1]);
    } else if (request.tolerance == 0) {
      EXPECT(open.empty());
    }
    if (request.tolerance > 0) {
      // The intervals that are reported to the caller contain the true probabilities.
      const double total = Sum(complete) + Sum(open);
      const double width = Sum(open) == 0 ? 0 : request.tolerance;
      const double best = std::exp(ranked[0]);
      EXPECT(best / Sum(complete) - best / total <= width + 1e-12);
      for (double score : open) {
        if (request.top == 0) EXPECT(std::exp(score) / total <= width + 1e-12);
      }
    }
  }
  EXPECT(saved > 500);
}

TEST_CASE("an invalid search is rejected") {
  const FlatTree flat{{-1, 3, 4}, {-1, 0, 1}, {0, 0, 0}};
  auto tree = TokenTree::Make(flat.tokens, flat.parents, flat.end_at, SomeVocabulary());
  const auto rejected = [&](SearchRequest request) { return !autocog::CheckSearch(request, tree.value()).ok(); };
  EXPECT(!rejected({{2}, {1}, {0}, {1}, 1, 0}));
  EXPECT(rejected({{}, {}, {}, {}, 1, 0}));
  EXPECT(rejected({{3}, {1}, {0}, {1}, 1, 0}));
  EXPECT(rejected({{-1}, {1}, {0}, {1}, 1, 0}));
  EXPECT(rejected({{2}, {0}, {0}, {1}, 1, 0}));
  EXPECT(rejected({{2}, {kNaN}, {0}, {1}, 1, 0}));
  EXPECT(rejected({{2}, {1}, {kNaN}, {1}, 1, 0}));
  EXPECT(rejected({{2}, {1}, {0}, {0}, 1, 0}));
  EXPECT(rejected({{2}, {1}, {0}, {1, 1}, 1, 0}));
  EXPECT(rejected({{2}, {1}, {0}, {1}, -1, 0}));
  EXPECT(rejected({{2}, {1}, {0}, {1}, 1, kNaN}));
}
