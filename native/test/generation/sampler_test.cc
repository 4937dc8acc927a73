// Sampling: the same tokens as llama.cpp's own chain for any options, and cases that llama.cpp does not
// handle.

#include "engine/generation/sampler.h"

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <set>

#include "test/common/check.h"
#include "test/generation/reference_sampler.h"
#include "test/session/session_support.h"

using autocog::Code;
using autocog::Sampler;
using autocog::SamplingOptions;
using autocog::Tokens;
using autocog::Vocabulary;
using autocog::test::ReferenceSampler;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

const Vocabulary& Default() { return autocog::test::LoadAs("F16")->vocabulary(); }

const Vocabulary& Large() {
  static const std::shared_ptr<autocog::Model> model = [] {
    autocog::ModelOptions options;
    options.vocab_only = true;
    auto loaded = autocog::Model::Load("llama.cpp/models/ggml-vocab-qwen2.gguf", options, {}, autocog::test::Never());
    EXPECT(loaded.ok());
    return loaded.value();
  }();
  return model->vocabulary();
}

std::vector<float> RandomRow(std::mt19937* random, int size, float spread) {
  std::normal_distribution<float> logit(0, spread);
  std::vector<float> row(static_cast<size_t>(size));
  for (float& each : row) each = logit(*random);
  return row;
}

std::unique_ptr<Sampler> Make(const Vocabulary& vocabulary, const SamplingOptions& options,
                              const Tokens& history = {}) {
  auto sampler = Sampler::Create(vocabulary, options, history);
  EXPECT(sampler.ok());
  return sampler.ok() ? std::move(sampler.value()) : nullptr;
}

Code CodeOf(const SamplingOptions& options) {
  auto sampler = Sampler::Create(Default(), options, {});
  return sampler.ok() ? Code::kOk : sampler.status().code();
}

// Samples `count` tokens from random rows with both samplers. Returns false at the first difference.
bool Agrees(const Vocabulary& vocabulary, const SamplingOptions& options, int count, float spread, uint32_t seed) {
  std::mt19937 random(seed);
  const Tokens history = autocog::test::RandomPrompt(&random, 40);
  auto sampler = Make(vocabulary, options, history);
  if (!sampler) return false;
  ReferenceSampler reference(vocabulary, options, history);
  // Only a few rows, so that tokens repeat.
  std::vector<std::vector<float>> rows;
  for (int i = 0; i < 3; ++i) rows.push_back(RandomRow(&random, vocabulary.size(), spread));
  for (int i = 0; i < count; ++i) {
    const auto& row = rows[static_cast<size_t>(i) % rows.size()];
    auto token = sampler->Next(row.data());
    if (!token.ok() || token.value() != reference.Next(row.data())) return false;
    if (vocabulary.IsEndOfGeneration(token.value())) break;
  }
  return true;
}

using Change = std::function<void(SamplingOptions*)>;

std::vector<Change> Changes() {
  return {
      [](SamplingOptions*) {},
      [](SamplingOptions* o) { o->top_k = 0; },
      [](SamplingOptions* o) { o->top_k = 1; },
      [](SamplingOptions* o) { o->top_k = 1 << 30; },
      [](SamplingOptions* o) { o->top_p = 0.3f; },
      [](SamplingOptions* o) { o->top_p = 1, o->min_p = 0, o->top_k = 0; },
      [](SamplingOptions* o) { o->min_p = 0.3f, o->top_k = 0; },
      [](SamplingOptions* o) { o->typical_p = 0.5f; },
      [](SamplingOptions* o) { o->typical_p = 0.5f, o->min_keep = 7; },
      [](SamplingOptions* o) { o->top_n_sigma = 1; },
      [](SamplingOptions* o) { o->dynamic_temperature_range = 0.5f, o->dynamic_temperature_exponent = 2; },
      [](SamplingOptions* o) { o->repeat_penalty = 1.3f; },
      [](SamplingOptions* o) { o->frequency_penalty = 0.7f, o->presence_penalty = -0.4f, o->penalty_last_n = 9; },
      [](SamplingOptions* o) { o->dry_multiplier = 2, o->dry_allowed_length = 1; },
      [](SamplingOptions* o) { o->dry_multiplier = 2, o->dry_penalty_last_n = 500, o->dry_sequence_breakers = {"a"}; },
      [](SamplingOptions* o) { o->xtc_probability = 0.5f, o->xtc_threshold = 0.02f; },
      [](SamplingOptions* o) { o->mirostat = 1; },
      [](SamplingOptions* o) { o->mirostat = 2, o->mirostat_tau = 2; },
      [](SamplingOptions* o) {
        o->bias = {{5, 12.5f}, {6, 3}, {5, -1}, {300, -kInfinity}};
      },
      [](SamplingOptions* o) {
        o->order = {"temperature", "minP", "xtc", "topK", "penalties"};
      },
      [](SamplingOptions* o) { o->order = {}; },
      [](SamplingOptions* o) { o->grammar = "root ::= [a-z ]+ \".\""; },
      [](SamplingOptions* o) { o->grammar = "root ::= [ -df-~]*", o->top_k = 0; },
      [](SamplingOptions* o) { o->grammar = "root ::= (\"the \" | \"a\" | \"th\")*", o->min_keep = 4; },
  };
}

}  // namespace

TEST_CASE("any single option results in the tokens of llama.cpp's own chain") {
  uint32_t seed = 1;
  for (const Change& change : Changes()) {
    for (float temperature : {0.0f, 0.8f, 1.0f, 1.7f}) {
      for (float spread : {0.5f, 3.0f}) {
        SamplingOptions options;
        options.temperature = temperature;
        options.seed = ++seed;
        change(&options);
        EXPECT(Agrees(Default(), options, 60, spread, seed));
      }
    }
  }
}

TEST_CASE("any two options together result in the tokens of llama.cpp's own chain") {
  const std::vector<Change> changes = Changes();
  uint32_t seed = 1000;
  for (size_t a = 0; a < changes.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      SamplingOptions options;
      options.temperature = seed % 3 == 0 ? 0.0f : 0.9f;
      options.seed = ++seed;
      changes[a](&options);
      changes[b](&options);
      // Here llama.cpp takes the logarithm of 0, so its result is not typical sampling.
      if (options.typical_p < 1 && (options.top_n_sigma > 0 || !options.grammar.empty())) continue;
      if (options.mirostat != 0 && !options.grammar.empty()) continue;
      const bool agrees = Agrees(Default(), options, 40, 2.0f, seed);
      autocog::test::Expect(agrees, "changes " + std::to_string(a) + " and " + std::to_string(b), __FILE__, __LINE__);
    }
  }
}

TEST_CASE("a vocabulary of 150,000 tokens is sampled as in llama.cpp") {
  uint32_t seed = 50;
  for (const Change& change : Changes()) {
    SamplingOptions options;
    options.temperature = 0.8f;
    options.seed = ++seed;
    change(&options);
    EXPECT(Agrees(Large(), options, 3, 2.0f, seed));
    options.temperature = 0;
    EXPECT(Agrees(Large(), options, 3, 2.0f, seed));
  }
}

TEST_CASE("temperature 0 selects the maximum logit, ties by the lowest id") {
  std::vector<float> row(static_cast<size_t>(Default().size()), 1.0f);
  SamplingOptions options;
  EXPECT(Make(Default(), options)->Next(row.data()).value() == 0);
  row[77] = row[99] = 2;
  EXPECT(Make(Default(), options)->Next(row.data()).value() == 77);
  options.bias = {{77, -kInfinity}};
  EXPECT(Make(Default(), options)->Next(row.data()).value() == 99);
  options.bias = {{3, 5}};
  EXPECT(Make(Default(), options)->Next(row.data()).value() == 3);
  options.bias.clear();
  options.repeat_penalty = 10;
  EXPECT(Make(Default(), options, {77})->Next(row.data()).value() == 99);
}

TEST_CASE("an infinite temperature is uniform over the remaining tokens") {
  SamplingOptions options;
  options.temperature = kInfinity;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  options.seed = 3;
  std::vector<float> row(static_cast<size_t>(Default().size()), -kInfinity);
  for (size_t i = 10; i < 14; ++i) row[i] = static_cast<float>(i) * 40;
  auto sampler = Make(Default(), options);
  std::vector<int> counts(14);
  for (int i = 0; i < 4000; ++i) ++counts[static_cast<size_t>(sampler->Next(row.data()).value())];
  // Four standard deviations of a binomial with p = 1/4.
  for (size_t i = 10; i < 14; ++i) EXPECT(std::abs(counts[i] - 1000) < 4 * 28);
  options.mirostat = 2;
  EXPECT(Make(Default(), options)->Next(row.data()).value() >= 10);
}

TEST_CASE("the lowest positive temperatures sample like 0") {
  SamplingOptions options;
  std::mt19937 random(6);
  const auto row = RandomRow(&random, Default().size(), 9);
  const llama_token best = Make(Default(), options)->Next(row.data()).value();
  for (float temperature : {1e-44f, 1e-38f, 1e-9f, 1e-5f}) {
    options.temperature = temperature;
    for (float range : {0.0f, 1e-40f}) {
      options.dynamic_temperature_range = range;
      EXPECT(Make(Default(), options)->Next(row.data()).value() == best);
    }
  }
}

TEST_CASE("tokens with probability 0 do not break typical sampling or mirostat") {
  std::vector<float> row(static_cast<size_t>(Default().size()), -kInfinity);
  row[20] = 3;
  row[21] = 2.5f;
  row[22] = -800;
  for (int mirostat : {0, 1, 2}) {
    SamplingOptions options;
    options.temperature = 1;
    options.typical_p = 0.9f;
    options.top_k = 0;
    options.mirostat = mirostat;
    auto sampler = Make(Default(), options);
    std::set<llama_token> seen;
    for (int i = 0; i < 200; ++i) seen.insert(sampler->Next(row.data()).value());
    EXPECT(seen == (std::set<llama_token>{20, 21}));
  }
}

TEST_CASE("rows that are not a distribution, or without an allowed token, are reported") {
  const auto size = static_cast<size_t>(Default().size());
  for (float temperature : {0.0f, 0.8f}) {
    SamplingOptions options;
    options.temperature = temperature;
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity}) {
      std::vector<float> row(size, 0.5f);
      row[17] = bad;
      EXPECT(Make(Default(), options)->Next(row.data()).status().code() == Code::kDecodeFailed);
    }
    const std::vector<float> nothing(size, -kInfinity);
    EXPECT(Make(Default(), options)->Next(nothing.data()).status().code() == Code::kDecodeFailed);
    for (llama_token token = 0; token < Default().size(); ++token) options.bias.push_back({token, -kInfinity});
    const std::vector<float> flat(size, 0.5f);
    EXPECT(Make(Default(), options)->Next(flat.data()).status().code() == Code::kDecodeFailed);
    // The only tokens that the grammar allows are forbidden.
    options.bias.clear();
    options.grammar = "root ::= \"zzz\"";
    for (llama_token token = 0; token < Default().size(); ++token) {
      const auto bytes = Default().TokenBytes(token).value();
      if (!bytes.empty() && bytes[0] == 'z') options.bias.push_back({token, -kInfinity});
    }
    EXPECT(Make(Default(), options)->Next(flat.data()).status().code() == Code::kDecodeFailed);
  }
}

TEST_CASE("options out of range are rejected") {
  const std::vector<Change> bad = {
      [](SamplingOptions* o) { o->temperature = std::nanf(""); },
      [](SamplingOptions* o) { o->temperature = -1; },
      [](SamplingOptions* o) { o->top_p = 1.1f; },
      [](SamplingOptions* o) { o->min_p = -0.1f; },
      [](SamplingOptions* o) { o->repeat_penalty = 0; },
      [](SamplingOptions* o) { o->frequency_penalty = kInfinity; },
      [](SamplingOptions* o) { o->dry_base = 0.5f; },
      [](SamplingOptions* o) { o->dry_multiplier = kInfinity; },
      [](SamplingOptions* o) { o->dry_penalty_last_n = -2; },
      [](SamplingOptions* o) { o->dry_sequence_breakers = {""}; },
      [](SamplingOptions* o) { o->dry_sequence_breakers = {std::string(41, 'x')}; },
      [](SamplingOptions* o) { o->mirostat = 3; },
      [](SamplingOptions* o) { o->min_keep = -1; },
      [](SamplingOptions* o) {
        o->bias = {{-1, 0}};
      },
      [](SamplingOptions* o) {
        o->bias = {{Default().size(), 0}};
      },
      [](SamplingOptions* o) {
        o->bias = {{1, kInfinity}};
      },
      [](SamplingOptions* o) {
        o->bias = {{1, std::nanf("")}};
      },
  };
  for (const Change& change : bad) {
    SamplingOptions options;
    change(&options);
    EXPECT(CodeOf(options) == Code::kOutOfRange);
  }
  SamplingOptions options;
  options.order = {"topK", "infill"};
  EXPECT(CodeOf(options) == Code::kInvalidArgument);
  options.order = {"topK", "topK"};
  EXPECT(CodeOf(options) == Code::kInvalidArgument);
  EXPECT(Sampler::Create(Default(), {}, {-5}).status().code() == Code::kOutOfRange);
}

TEST_CASE("the greatest seed is reproducible") {
  SamplingOptions options;
  options.temperature = 1;
  options.seed = LLAMA_DEFAULT_SEED;
  std::mt19937 random(9);
  auto first = Make(Default(), options);
  auto second = Make(Default(), options);
  for (int i = 0; i < 20; ++i) {
    const auto row = RandomRow(&random, Default().size(), 1);
    EXPECT(first->Next(row.data()).value() == second->Next(row.data()).value());
  }
}

TEST_CASE("an end-of-generation token is sampled under a grammar only where it may end") {
  const llama_token end = Default().end_of_generation().front();
  for (float temperature : {0.0f, 1.0f}) {
    SamplingOptions options;
    options.temperature = temperature;
    options.grammar = "root ::= \"z\" \"z\"?";
    std::vector<float> row(static_cast<size_t>(Default().size()), -3.0f);
    row[static_cast<size_t>(end)] = 30;
    auto sampler = Make(Default(), options);
    const llama_token first = sampler->Next(row.data()).value();
    EXPECT(first != end && Default().TokenBytes(first).value().substr(0, 1) == "z");
    EXPECT(sampler->Next(row.data()).value() == end);
  }
}
