// Random automata on the default model: every score is that of its token after those before it, whatever the
// limits of the context; and aborts and wrong plans.

#include "engine/automaton/thought_search.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "test/common/check.h"
#include "test/session/session_support.h"

using autocog::Action;
using autocog::AutomatonPlan;
using autocog::ContextOptions;
using autocog::Session;
using autocog::ThoughtNode;
using autocog::Thoughts;
using autocog::Tokens;
using autocog::test::Never;

namespace {

constexpr double kExact = 1e-4;  // F32 weights, F32 cache
constexpr int kVocabulary = 200;

int Between(std::mt19937* random, int low, int high) { return std::uniform_int_distribution<int>(low, high)(*random); }

Action RandomPaths(std::mt19937* random) {
  Action action;
  const int count = Between(random, 1, 8);
  for (int i = 0; i < count; ++i) {
    Tokens path;
    for (int length = Between(random, 1, 5); length > 0; --length) path.push_back(Between(random, 0, 20));
    action.paths.paths.push_back(std::move(path));
    action.paths.texts.push_back("text " + std::to_string(i));
  }
  action.paths.scored = count > 1 || Between(random, 0, 1) == 0;
  action.paths.ends = action.paths.scored && Between(random, 0, 3) == 0;
  action.normalize = static_cast<autocog::Normalization>(Between(random, 0, 3));
  action.width = Between(random, 1, 3);
  return action;
}

Action RandomCompletion(std::mt19937* random) {
  Action action;
  action.is_completion = true;
  action.completion.max_tokens = Between(random, 1, 6);
  action.completion.beams = Between(random, 1, 4);
  action.completion.ahead = Between(random, 0, 2);
  if (Between(random, 0, 2) == 0) action.completion.stops = {"e", " the"};
  if (Between(random, 0, 2) == 0) {
    std::vector<uint8_t> bits(kVocabulary / 8);
    for (uint8_t& each : bits) each = static_cast<uint8_t>(Between(random, 0, 255));
    bits.front() = 0xff;
    action.completion.allowed = autocog::TokenSet(std::move(bits));
  }
  action.completion.repetition = Between(random, 0, 1);
  action.completion.diversity = Between(random, 0, 1) * 0.3;
  action.normalize = static_cast<autocog::Normalization>(Between(random, 0, 3));
  action.width = Between(random, 1, 2);
  return action;
}

AutomatonPlan RandomPlan(std::mt19937* random) {
  AutomatonPlan plan;
  const int count = Between(random, 1, 5);
  for (int i = 0; i < count; ++i) {
    Action action = Between(random, 0, 2) == 0 ? RandomCompletion(random) : RandomPaths(random);
    if (i + 1 < count) action.next = {i + 1};
    if (i + 2 < count && Between(random, 0, 3) == 0) action.next.push_back(i + 2);
    plan.actions.push_back(std::move(action));
  }
  plan.entries = {0};
  plan.end_tokens = {1, 7};
  plan.metric = static_cast<autocog::Metric>(Between(random, 0, 2));
  plan.healed = Between(random, 0, 1) == 1;
  return plan;
}

// The tokens from the prompt to the end of a node. `before`: those before its own.
Tokens TokensTo(const Thoughts& thoughts, const Tokens& prompt, int node, Tokens* before = nullptr) {
  if (node == 0) return prompt;
  const ThoughtNode& own = thoughts.nodes[static_cast<size_t>(node)];
  Tokens tokens = TokensTo(thoughts, prompt, own.parent);
  tokens.resize(tokens.size() - static_cast<size_t>(own.replaced));
  if (before != nullptr) *before = tokens;
  tokens.insert(tokens.end(), own.tokens.begin(), own.tokens.end());
  return tokens;
}

// Compares every scored token of a node with the distribution after the tokens before it.
int CheckNode(Session* reference, const Thoughts& thoughts, const Tokens& prompt, int index) {
  const ThoughtNode& node = thoughts.nodes[static_cast<size_t>(index)];
  Tokens context;
  TokensTo(thoughts, prompt, index, &context);
  Tokens tokens = node.tokens;
  std::vector<double> logprobs = node.logprobs;
  tokens.insert(tokens.end(), node.stop_tokens.begin(), node.stop_tokens.end());
  logprobs.insert(logprobs.end(), node.stop_logprobs.begin(), node.stop_logprobs.end());
  // Texts that are not scored, and those that were tokenized anew before a stop, count as certain.
  if (std::any_of(logprobs.begin(), logprobs.end(), [](double value) { return value == 0; })) return 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    auto row = reference->LogProbs(context, Never());
    EXPECT(row.ok());
    if (!row.ok()) return 0;
    EXPECT_NEAR(static_cast<double>(row.value().values[static_cast<size_t>(tokens[i])]), logprobs[i], kExact);
    context.push_back(tokens[i]);
  }
  return static_cast<int>(tokens.size());
}

ContextOptions RandomLimits(std::mt19937* random) {
  ContextOptions options = autocog::test::ExactOptions();
  options.context_size = 128;
  options.batch_size = Between(random, 2, 60);
  options.micro_batch_size = Between(random, 2, options.batch_size);
  options.max_sequences = Between(random, 5, 30);
  options.logits_budget = static_cast<size_t>(Between(random, 0, 40)) * 4096;
  return options;
}

}  // namespace

TEST_CASE("every score of a thought is that of its token after those before it, whatever the limits") {
  std::mt19937 random(3);
  int checked = 0;
  int replaced = 0;
  int stopped = 0;
  auto reference = autocog::test::Open("F32");
  for (int round = 0; round < 40; ++round) {
    const AutomatonPlan plan = RandomPlan(&random);
    const Tokens prompt = autocog::test::RandomPrompt(&random, 1 + round % 20);
    auto session = autocog::test::Open("F32", RandomLimits(&random), 1 + round % 2);
    auto found = session->SearchThoughts(prompt, plan, {}, Never());
    EXPECT(found.ok());
    if (!found.ok()) continue;
    const Thoughts& thoughts = found.value();
    for (size_t node = 1; node < thoughts.nodes.size(); ++node) {
      checked += CheckNode(reference.get(), thoughts, prompt, static_cast<int>(node));
      replaced += thoughts.nodes[node].replaced;
      if (thoughts.nodes[node].stop == autocog::ThoughtStop::kText) ++stopped;
    }
    // The same in a context without limits.
    auto plain = autocog::test::Open("F32");
    auto again = plain->SearchThoughts(prompt, plan, {}, Never());
    EXPECT(again.ok() && again.value().nodes.size() == thoughts.nodes.size());
  }
  EXPECT(checked > 1000);
  EXPECT(replaced > 10);
  EXPECT(stopped > 3);
}

TEST_CASE("a cancelled search returns what was found, and leaves the prompt cached") {
  std::mt19937 random(8);
  auto session = autocog::test::Open("F32");
  const Tokens prompt = autocog::test::RandomPrompt(&random, 30);
  EXPECT(session->Ingest(prompt, Never()).ok());
  AutomatonPlan plan = RandomPlan(&random);
  plan.healed = false;
  auto flag = autocog::NewCancelFlag();
  flag->store(true);
  auto aborted = session->SearchThoughts(prompt, plan, {}, autocog::Cancellation(autocog::test::Owner(), flag));
  EXPECT(aborted.ok() && aborted.value().end == autocog::SearchEnd::kAborted);
  EXPECT(aborted.value().nodes.size() == 1);
  auto after = session->SearchThoughts(prompt, plan, {}, Never());
  EXPECT(after.ok() && after.value().usage.cached_tokens == 30);

  // During a round, by a call of the progress function.
  AutomatonPlan loop;
  loop.actions.resize(1);
  loop.actions[0].paths.paths = {{3, 4}, {5, 6}};
  loop.actions[0].paths.texts = {"a", "b"};
  loop.actions[0].paths.scored = true;
  loop.actions[0].next = {0};
  loop.entries = {0};
  auto stop = autocog::NewCancelFlag();
  const auto on_progress = [&](const autocog::SearchProgress& progress) {
    if (progress.rounds == 3) stop->store(true);
  };
  auto partial =
      session->SearchThoughts(prompt, loop, on_progress, autocog::Cancellation(autocog::test::Owner(), stop));
  EXPECT(partial.ok() && partial.value().end == autocog::SearchEnd::kAborted);
  EXPECT(partial.value().nodes.size() == 1 + 2 * 3);
  EXPECT(partial.value().nodes.end()[-2].pruned == autocog::Pruned::kAbandoned);
}

TEST_CASE("a cycle ends at the end of the context") {
  auto session = autocog::test::Open("F32");
  std::mt19937 random(2);
  const Tokens prompt = autocog::test::RandomPrompt(&random, 5);
  AutomatonPlan loop;
  loop.actions.resize(1);
  loop.actions[0].paths.paths = {{3, 4, 5}};
  loop.actions[0].paths.texts = {"a"};
  loop.actions[0].paths.scored = true;
  loop.actions[0].next = {0};
  loop.entries = {0};
  auto found = session->SearchThoughts(prompt, loop, {}, Never());
  EXPECT(found.ok() && found.value().end == autocog::SearchEnd::kExhausted);
  EXPECT(found.value().nodes.back().pruned == autocog::Pruned::kAbandoned);
}

TEST_CASE("plans that the search could not run are refused") {
  auto session = autocog::test::Open("F32");
  const Tokens prompt{1, 2};
  AutomatonPlan plan;
  plan.actions.resize(1);
  plan.entries = {0};
  const auto refuses = [&] { return !session->SearchThoughts(prompt, plan, {}, Never()).ok(); };
  EXPECT(refuses());  // no paths
  plan.actions[0].paths.paths = {{1 << 30}};
  plan.actions[0].paths.texts = {"a"};
  EXPECT(refuses());
  plan.actions[0].paths.paths = {{1}};
  plan.actions[0].next = {1};
  EXPECT(refuses());
  plan.actions[0].next = {};
  plan.entries = {-1};
  EXPECT(refuses());
  plan.entries = {0};
  plan.actions[0].paths.ends = true;
  EXPECT(refuses());
  plan.actions[0].paths.ends = false;
  EXPECT(!refuses());
  plan.actions[0].is_completion = true;
  plan.actions[0].completion.beams = 0;
  EXPECT(refuses());
  plan.actions[0].completion.beams = 1;
  plan.actions[0].completion.stops = {""};
  EXPECT(refuses());
}
