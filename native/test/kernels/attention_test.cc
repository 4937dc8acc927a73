// Attention as the CPU backend computes it, by our kernels where the CPU has the instructions: compared with sums in
// double precision, and with ggml's own operations, which compute it if somebody else needs the scores.

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "engine/common/backend.h"
#include "ggml-backend.h"
#include "ggml.h"
#include "test/common/check.h"
#include "test/kernels/graph.h"

namespace {

using autocog::test::Graph;

struct Case {
  int64_t width = 64;   // of keys
  int64_t value = 64;   // of values
  int64_t heads = 4;    // of queries
  int64_t keys = 2;     // heads of keys
  int64_t tokens = 20;  // per stream
  int64_t cells = 64;
  int64_t streams = 1;
  float max_bias = 0;
  bool has_mask = true;
  bool has_sinks = false;
  int threads = 2;
};

struct Inputs {
  std::vector<float> queries;       // [stream][token][head][width]
  std::vector<ggml_fp16_t> keys;    // [stream][cell][head][width]
  std::vector<ggml_fp16_t> values;  // [stream][head][value][cell]
  std::vector<float> mask;          // [stream][token][cell]
  std::vector<float> sinks;         // [head]
};

std::vector<float> Random(size_t count, std::mt19937& random) {
  std::normal_distribution<float> value(0.0f, 1.0f);
  std::vector<float> all(count);
  for (float& each : all) each = value(random);
  return all;
}

std::vector<ggml_fp16_t> Halves(const std::vector<float>& values) {
  std::vector<ggml_fp16_t> halves(values.size());
  ggml_fp32_to_fp16_row(values.data(), halves.data(), static_cast<int64_t>(values.size()));
  return halves;
}

bool Has(const char* kernel) {
  const auto kernels = autocog::Kernels();
  return std::find(kernels.begin(), kernels.end(), kernel) != kernels.end();
}

// Each token sees random stretches of the cells, at least one cell.
Inputs Make(const Case& c, std::mt19937& random) {
  Inputs inputs;
  inputs.queries = Random(c.streams * c.tokens * c.heads * c.width, random);
  inputs.keys = Halves(Random(c.streams * c.cells * c.keys * c.width, random));
  inputs.values = Halves(Random(c.streams * c.cells * c.keys * c.value, random));
  inputs.sinks = Random(c.heads, random);
  inputs.mask.assign(c.streams * c.tokens * c.cells, -INFINITY);
  for (int64_t row = 0; row < c.streams * c.tokens; ++row) {
    for (int stretch = 0; stretch < 2; ++stretch) {
      const int64_t first = random() % c.cells;
      const int64_t last = std::min<int64_t>(c.cells - 1, first + random() % 40);
      for (int64_t cell = first; cell <= last; ++cell) {
        inputs.mask[row * c.cells + cell] = c.max_bias > 0 ? -static_cast<float>(last - cell) : 0.0f;
      }
    }
  }
  return inputs;
}

// Builds the graph as llama.cpp does. With `apart`, the scores are an output, too. Returns
// [stream][head][token][value].
std::vector<float> Attend(const Case& c, const Inputs& inputs, float scale, bool apart) {
  Graph graph;
  ggml_context* context = graph.context();
  ggml_tensor* queries = ggml_new_tensor_4d(context, GGML_TYPE_F32, c.width, c.heads, c.tokens, c.streams);
  ggml_tensor* keys = ggml_new_tensor_4d(context, GGML_TYPE_F16, c.width, c.keys, c.cells, c.streams);
  ggml_tensor* values = ggml_new_tensor_4d(context, GGML_TYPE_F16, c.cells, c.value, c.keys, c.streams);
  ggml_tensor* mask = ggml_new_tensor_4d(context, GGML_TYPE_F32, c.cells, c.tokens, 1, c.streams);
  ggml_tensor* sinks = ggml_new_tensor_1d(context, GGML_TYPE_F32, c.heads);
  ggml_tensor* scores =
      ggml_mul_mat(context, ggml_permute(context, keys, 0, 2, 1, 3), ggml_permute(context, queries, 0, 2, 1, 3));
  if (apart) ggml_set_output(scores);
  ggml_tensor* softmax = ggml_soft_max_ext(context, scores, c.has_mask ? mask : nullptr, scale, c.max_bias);
  if (c.has_sinks) ggml_soft_max_add_sinks(softmax, sinks);
  ggml_tensor* sums = ggml_mul_mat(context, values, softmax);
  graph.Allocate();
  const auto set = [](ggml_tensor* tensor, const auto& from) {
    ggml_backend_tensor_set(tensor, from.data(), 0, from.size() * sizeof(from[0]));
  };
  set(queries, inputs.queries);
  set(keys, inputs.keys);
  set(values, inputs.values);
  set(mask, inputs.mask);
  set(sinks, inputs.sinks);
  return graph.Compute(sums, c.threads);
}

// The largest difference to sums in double precision, relative to those of the magnitudes.
double Error(const Case& c, const Inputs& inputs, float scale, const std::vector<float>& result) {
  double worst = 0;
  const auto half = [](ggml_fp16_t value) { return static_cast<double>(ggml_fp16_to_fp32(value)); };
  const double power = std::exp2(std::floor(std::log2(c.heads)));
  for (int64_t s = 0; s < c.streams; ++s) {
    for (int64_t h = 0; h < c.heads; ++h) {
      const int64_t k = h / (c.heads / c.keys);
      const double slope = c.max_bias == 0 ? 1
                           : h < power     ? std::exp2(-c.max_bias / power * (h + 1))
                                           : std::exp2(-c.max_bias / 2 / power * (2 * (h - power) + 1));
      for (int64_t t = 0; t < c.tokens; ++t) {
        std::vector<double> scores(c.cells);
        double highest = c.has_sinks ? inputs.sinks[h] : -INFINITY;
        for (int64_t cell = 0; cell < c.cells; ++cell) {
          double sum = 0;
          for (int64_t i = 0; i < c.width; ++i) {
            const float query = inputs.queries[((s * c.tokens + t) * c.heads + h) * c.width + i];
            sum +=
                half(ggml_fp32_to_fp16(query)) * half(inputs.keys[((s * c.cells + cell) * c.keys + k) * c.width + i]);
          }
          const double mask = c.has_mask ? inputs.mask[(s * c.tokens + t) * c.cells + cell] : 0.0;
          scores[cell] = sum * scale + (std::isinf(mask) ? mask : slope * mask);
          highest = std::max(highest, scores[cell]);
        }
        double total = c.has_sinks ? std::exp(inputs.sinks[h] - highest) : 0;
        for (double& score : scores) total += (score = std::exp(score - highest));
        for (int64_t v = 0; v < c.value; ++v) {
          double exact = 0;
          double magnitude = 1e-30;
          for (int64_t cell = 0; cell < c.cells; ++cell) {
            const double term =
                scores[cell] / total * half(inputs.values[((s * c.keys + k) * c.value + v) * c.cells + cell]);
            exact += term;
            magnitude += std::abs(term);
          }
          const float got = result[((s * c.heads + h) * c.tokens + t) * c.value + v];
          if (std::isnan(got)) return INFINITY;
          worst = std::max(worst, std::abs(got - exact) / magnitude);
        }
      }
    }
  }
  return worst;
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (int64_t tokens : {1, 2, 7, 8, 9, 31, 70}) {
    for (int64_t cells : {16, 32, 256, 304}) {
      Case c;
      c.tokens = tokens;
      c.cells = cells;
      cases.push_back(c);
    }
  }
  const auto add = [&](auto change) {
    Case c;
    change(c);
    cases.push_back(c);
  };
  add([](Case& c) { c.heads = 14, c.cells = 512; });
  add([](Case& c) { c.heads = 3, c.keys = 3, c.width = 16, c.value = 20, c.threads = 5; });
  add([](Case& c) { c.heads = 8, c.keys = 1, c.width = 576, c.value = 512, c.cells = 512, c.tokens = 5; });
  add([](Case& c) { c.streams = 3, c.tokens = 11; });
  add([](Case& c) { c.has_mask = false; });
  add([](Case& c) { c.has_sinks = true; });
  add([](Case& c) { c.has_sinks = true, c.has_mask = false, c.streams = 2; });
  add([](Case& c) { c.max_bias = 8, c.heads = 12, c.keys = 4; });
  add([](Case& c) { c.cells = 48; });
  // Sizes that ours leave to ggml: not a multiple of 16 cells, of 16 dimensions, more dimensions than cells and those
  // of a key.
  add([](Case& c) { c.cells = 70; });
  add([](Case& c) { c.width = 40; });
  add([](Case& c) { c.value = 66; });
  add([](Case& c) { c.value = 128; });
  return cases;
}

}  // namespace

TEST_CASE("attention is that of sums in double precision, and of ggml's separate operations") {
  std::mt19937 random(1);
  for (const Case& c : Cases()) {
    const float scale = 2 / std::sqrt(static_cast<float>(c.width));
    const Inputs inputs = Make(c, random);
    const auto fused = Attend(c, inputs, scale, false);
    const auto apart = Attend(c, inputs, scale, true);
    // Probabilities have the eleven bits of the cache's type.
    EXPECT(Error(c, inputs, scale, fused) < 5.1e-4);
    EXPECT(Error(c, inputs, scale, apart) < 5.1e-4);
    double difference = 0;
    for (size_t i = 0; i < fused.size(); ++i) difference = std::max<double>(difference, std::abs(fused[i] - apart[i]));
    // One unit in the last place of a probability, times the largest value.
    EXPECT_NEAR(difference, 0, 2e-3);
  }
}

TEST_CASE("a token's attention does not depend on the other tokens nor on the number of threads") {
  std::mt19937 random(2);
  Case all;
  all.tokens = 60;
  all.cells = 256;
  const Inputs inputs = Make(all, random);
  const auto together = Attend(all, inputs, 0.2f, false);
  for (int64_t first : {0, 5, 33}) {
    Case part = all;
    part.tokens = 13;
    part.threads = 1;
    Inputs some = inputs;
    some.queries.erase(some.queries.begin(), some.queries.begin() + first * all.heads * all.width);
    some.queries.resize(part.tokens * all.heads * all.width);
    some.mask.erase(some.mask.begin(), some.mask.begin() + first * all.cells);
    some.mask.resize(part.tokens * all.cells);
    const auto alone = Attend(part, some, 0.2f, false);
    for (int64_t head = 0; head < all.heads; ++head) {
      const auto* expected = &together[(head * all.tokens + first) * all.value];
      EXPECT(std::equal(expected, expected + part.tokens * all.value, &alone[head * part.tokens * all.value]));
    }
  }
}

TEST_CASE("a token's attention does not depend on cells that nobody sees, also if there are few") {
  if (!Has("attention")) return;
  std::mt19937 random(4);
  Case few;
  few.width = few.value = 512;
  few.cells = 256;
  const Inputs inputs = Make(few, random);
  // Empty cells behind the others, as many as a cache has that grows.
  Case many = few;
  many.cells = 512;
  Inputs padded = inputs;
  padded.keys.resize(many.cells * many.keys * many.width);
  padded.values.assign(many.cells * many.keys * many.value, 0);
  padded.mask.assign(many.tokens * many.cells, -INFINITY);
  const auto spread = [&](const auto& from, auto& to) {
    for (size_t i = 0; i < from.size(); ++i) to[i / few.cells * many.cells + i % few.cells] = from[i];
  };
  spread(inputs.values, padded.values);
  spread(inputs.mask, padded.mask);
  EXPECT(Attend(few, inputs, 0.2f, false) == Attend(many, padded, 0.2f, false));
}

TEST_CASE("kernels are in use where the CPU has AVX-512, unless the environment refuses them") {
  std::mt19937 random(3);
  Case c;
  c.cells = 512;
  const Inputs inputs = Make(c, random);
  const bool differs = Attend(c, inputs, 0.3f, false) != Attend(c, inputs, 0.3f, true);
  EXPECT(differs == Has("attention"));
}
