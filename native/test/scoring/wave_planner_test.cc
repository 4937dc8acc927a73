// Token trees and their waves, without an engine: for any limits, the waves cover the decoded nodes once,
// in order, and their branches represent the tree.

#include "engine/scoring/wave_planner.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>

#include "engine/common/backend.h"
#include "engine/common/job_thread.h"
#include "engine/model/model.h"
#include "test/common/check.h"
#include "test/scoring/random_tree.h"

using autocog::PlanWave;
using autocog::TokenTree;
using autocog::Wave;
using autocog::WaveLimits;

namespace {

const autocog::Vocabulary& SomeVocabulary() {
  static autocog::JobThread owner;
  static auto model = autocog::Model::Load("models/default.gguf", {}, {}, autocog::Cancellation(&owner, nullptr));
  return model.value()->vocabulary();
}

autocog::Result<TokenTree> Make(autocog::test::FlatTree flat) {
  return TokenTree::Make(std::move(flat.tokens), std::move(flat.parents), std::move(flat.end_at), SomeVocabulary());
}

bool IsAncestorOrSelf(const TokenTree& tree, int above, int below) {
  while (below > above) below = tree.parent(below);
  return below == above;
}

void CheckWave(const TokenTree& tree, const Wave& wave, const WaveLimits& limits) {
  EXPECT(!wave.nodes.empty());
  EXPECT(static_cast<int>(wave.nodes.size()) <= limits.tokens);
  const auto needs_row = [&](const autocog::WaveNode& each) { return tree.needs_row(each.node); };
  EXPECT(std::count_if(wave.nodes.begin(), wave.nodes.end(), needs_row) <= limits.rows);
  EXPECT(static_cast<int>(wave.paths.size()) <= limits.branches - 1);
  EXPECT(static_cast<int>(wave.spine.size() + wave.nodes.size()) <= limits.cells);
  // The last node of each path, which identifies the path.
  std::vector<int> ends(wave.paths.size(), -1);
  for (const auto& each : wave.nodes) {
    EXPECT(each.branch_count >= 1);
    EXPECT(each.first_branch + each.branch_count <= static_cast<int>(wave.paths.size()));
    for (int b = 0; b < each.branch_count; ++b) ends[static_cast<size_t>(each.first_branch + b)] = each.node;
  }
  for (const auto& each : wave.nodes) {
    for (size_t path = 0; path < ends.size(); ++path) {
      const int b = static_cast<int>(path);
      const bool claimed = b >= each.first_branch && b < each.first_branch + each.branch_count;
      EXPECT(claimed == IsAncestorOrSelf(tree, each.node, ends[path]));
    }
  }
  // A path's shared spine and its own nodes together are all of its ancestors.
  for (size_t path = 0; path < ends.size(); ++path) {
    int own = 0;
    for (const auto& each : wave.nodes) own += IsAncestorOrSelf(tree, each.node, ends[path]) ? 1 : 0;
    const int shared = wave.paths[path].shared_depth;
    EXPECT(shared + own == tree.depth(ends[path]));
    EXPECT(shared <= static_cast<int>(wave.spine.size()));
    if (shared > 0) EXPECT(IsAncestorOrSelf(tree, wave.spine[static_cast<size_t>(shared) - 1], ends[path]));
  }
}

}  // namespace

TEST_CASE("waves cover every decoded node once, in order, within any limits") {
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    const int size = std::uniform_int_distribution<int>(1, 60)(random);
    const int depth = std::uniform_int_distribution<int>(1, 12)(random);
    auto flat = autocog::test::RandomTree(&random, size, depth, 256, 0.3);
    if (round % 2 == 0) autocog::test::GiveSome(&random, &flat);
    auto tree = Make(flat);
    EXPECT(tree.ok());
    const TokenTree& t = tree.value();
    WaveLimits limits;
    limits.tokens = std::uniform_int_distribution<int>(1, 20)(random);
    limits.rows = std::uniform_int_distribution<int>(1, 20)(random);
    limits.branches = std::uniform_int_distribution<int>(2, 9)(random);
    limits.cells = t.decoded_depth() + std::uniform_int_distribution<int>(0, 9)(random);
    std::vector<int> seen;
    while (seen.size() < t.decoded().size()) {
      const Wave wave = PlanWave(t, static_cast<int>(seen.size()), limits);
      CheckWave(t, wave, limits);
      if (wave.nodes.empty()) return;
      for (const auto& each : wave.nodes) seen.push_back(each.node);
    }
    EXPECT(seen == t.decoded());
  }
}

TEST_CASE("a leaf is decoded only if its end is scored") {
  autocog::test::FlatTree flat;
  flat.tokens = {-1, 5, 6, 7};
  flat.parents = {-1, 0, 1, 0};
  flat.end_at = {0, 0, 0, 0};
  auto tree = Make(flat);
  EXPECT((tree.value().decoded() == std::vector<int>{1}));
  EXPECT(tree.value().decoded_depth() == 1);
  flat.end_at = {0, 0, 1, 1};
  auto with_ends = Make(flat);
  EXPECT((with_ends.value().decoded() == std::vector<int>{1, 2, 3}));
  EXPECT(with_ends.value().decoded_depth() == 2);
}

TEST_CASE("arrays that are not a tree are rejected") {
  const auto rejected = [](std::vector<int32_t> tokens, std::vector<int32_t> parents, autocog::Code code) {
    autocog::test::FlatTree flat;
    flat.end_at.assign(tokens.size(), 0);
    flat.tokens = std::move(tokens);
    flat.parents = std::move(parents);
    auto tree = Make(flat);
    return !tree.ok() && tree.status().code() == code;
  };
  EXPECT(rejected({}, {}, autocog::Code::kInvalidArgument));
  EXPECT(rejected({-1, 1}, {-1}, autocog::Code::kInvalidArgument));
  EXPECT(rejected({-1, 1}, {-1, 1}, autocog::Code::kInvalidArgument));
  EXPECT(rejected({-1, 1}, {-1, -1}, autocog::Code::kInvalidArgument));
  // The parent of node 3 is on a path that has ended.
  EXPECT(rejected({-1, 1, 2, 3}, {-1, 0, 0, 1}, autocog::Code::kInvalidArgument));
  EXPECT(rejected({-1, 1 << 30}, {-1, 0}, autocog::Code::kOutOfRange));
  EXPECT(rejected({-1, -2}, {-1, 0}, autocog::Code::kOutOfRange));
}
