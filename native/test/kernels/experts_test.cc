// Products with the weights of chosen experts as the CPU backend computes them, compared with sums in double precision
// of the quantized values.

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"
#include "test/common/check.h"
#include "test/kernels/graph.h"
#include "test/kernels/quantized.h"

namespace {

using autocog::test::Graph;
using autocog::test::Operands;
using autocog::test::Quantize;
using autocog::test::RandomBlocks;
using autocog::test::RandomFloats;
using autocog::test::WeightTypes;

constexpr int64_t kWidth = 256;
constexpr int64_t kColumns = 21;
constexpr int kExperts = 8;
constexpr int kChoices = 3;

// The experts of each token: 5 is chosen by nobody, 7 by the last token only, 0 by all; in no order.
std::vector<int32_t> Choose(int tokens) {
  std::vector<int32_t> chosen;
  for (int token = 0; token < tokens; ++token) {
    const bool last = token == tokens - 1;
    const int other = 1 + token % 4;
    chosen.insert(chosen.end(), {other, 0, last ? 7 : other % 2 == 0 ? 6 : 1 + (token + 1) % 4});
  }
  return chosen;
}

// Results of each token's choices. Each choice has its own row of activations, or all of a token share one.
std::vector<float> Multiply(ggml_type type, const std::vector<char>& weights, const std::vector<float>& activations,
                            const std::vector<int32_t>& chosen, int threads) {
  const auto tokens = static_cast<int64_t>(chosen.size()) / kChoices;
  const auto rows = static_cast<int64_t>(activations.size()) / kWidth / tokens;
  Graph graph;
  ggml_context* context = graph.context();
  ggml_tensor* experts = ggml_new_tensor_3d(context, type, kWidth, kColumns, kExperts);
  ggml_tensor* right = ggml_new_tensor_3d(context, GGML_TYPE_F32, kWidth, rows, tokens);
  // As in a model, the chosen experts are the first few of all, sorted.
  ggml_tensor* sorted = ggml_new_tensor_2d(context, GGML_TYPE_I32, kExperts, tokens);
  ggml_tensor* ids = ggml_view_2d(context, sorted, kChoices, tokens, sorted->nb[1], 0);
  ggml_tensor* product = ggml_mul_mat_id(context, experts, right, ids);
  graph.Allocate();
  ggml_backend_tensor_set(experts, weights.data(), 0, weights.size());
  ggml_backend_tensor_set(right, activations.data(), 0, activations.size() * sizeof(float));
  for (int64_t token = 0; token < tokens; ++token) {
    ggml_backend_tensor_set(sorted, &chosen[token * kChoices], token * sorted->nb[1], kChoices * sizeof(int32_t));
  }
  return graph.Compute(product, threads);
}

double Difference(const Operands& operands, const std::vector<int32_t>& chosen, int64_t rows,
                  const std::vector<float>& results) {
  double worst = 0;
  for (size_t at = 0; at < results.size(); ++at) {
    const int64_t choice = static_cast<int64_t>(at) / kColumns;
    const int64_t column = chosen[choice] * kColumns + static_cast<int64_t>(at) % kColumns;
    const int64_t row = rows == 1 ? choice / kChoices : choice;
    worst = std::max(worst, operands.Difference(results[at], column, row));
  }
  return worst;
}

}  // namespace

TEST_CASE("products with chosen experts are those of the quantized values, whoever chose them") {
  std::mt19937 random(1);
  for (ggml_type type : WeightTypes()) {
    const auto weights = Quantize(type, RandomFloats(kWidth * kColumns * kExperts, random), kWidth);
    for (int tokens : {1, 2, 6, 11, 40}) {
      const auto chosen = Choose(tokens);
      for (int rows : {1, kChoices}) {
        const auto activations = RandomFloats(kWidth * rows * tokens, random);
        const auto results = Multiply(type, weights, activations, chosen, 1 + tokens % 2);
        EXPECT(Difference(Operands(type, weights, activations, kWidth), chosen, rows, results) < 1e-6);
      }
    }
  }
}

TEST_CASE("a token's products with its experts do not depend on other tokens nor on the number of threads") {
  std::mt19937 random(2);
  const int tokens = 30;
  const auto chosen = Choose(tokens);
  for (ggml_type type : WeightTypes()) {
    const auto weights = RandomBlocks(type, kWidth * kColumns * kExperts / ggml_blck_size(type), random);
    const auto activations = RandomFloats(kWidth * tokens, random);
    const auto all = Multiply(type, weights, activations, chosen, 2);
    for (int first : {0, 7, 20}) {
      for (int count : {2, 3, 9, 10}) {
        const auto from = activations.begin() + first * kWidth;
        const auto ids = chosen.begin() + static_cast<int64_t>(first) * kChoices;
        const auto part = Multiply(type, weights, {from, from + count * kWidth}, {ids, ids + count * kChoices}, 1);
        EXPECT(std::equal(part.begin(), part.end(), all.begin() + first * kChoices * kColumns));
      }
    }
  }
}

TEST_CASE("one expert that all tokens choose gets all rows") {
  std::mt19937 random(3);
  const auto weights = Quantize(GGML_TYPE_Q6_K, RandomFloats(kWidth * kColumns * kExperts, random), kWidth);
  const std::vector<int32_t> chosen(kChoices * 20, 5);
  const auto activations = RandomFloats(kWidth * kChoices * 20, random);
  const auto results = Multiply(GGML_TYPE_Q6_K, weights, activations, chosen, 3);
  EXPECT(Difference(Operands(GGML_TYPE_Q6_K, weights, activations, kWidth), chosen, kChoices, results) < 1e-6);
}
