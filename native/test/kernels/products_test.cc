// Products of quantized weights as the CPU backend computes them, by our kernels where the CPU has the instructions,
// compared with sums in double precision of the quantized values.

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

using autocog::test::EqualBlocks;
using autocog::test::Graph;
using autocog::test::Operands;
using autocog::test::Quantize;
using autocog::test::RandomBlocks;
using autocog::test::RandomFloats;
using autocog::test::WeightTypes;

// The product of rows of weights and rows of activations, as the CPU backend computes it.
std::vector<float> Multiply(ggml_type type, const std::vector<char>& weights, int64_t width,
                            const std::vector<float>& activations, int threads) {
  const auto columns = static_cast<int64_t>(weights.size() / ggml_row_size(type, width));
  const auto rows = static_cast<int64_t>(activations.size()) / width;
  Graph graph;
  ggml_tensor* left = ggml_new_tensor_2d(graph.context(), type, width, columns);
  ggml_tensor* right = ggml_new_tensor_2d(graph.context(), GGML_TYPE_F32, width, rows);
  ggml_tensor* product = ggml_mul_mat(graph.context(), left, right);
  graph.Allocate();
  ggml_backend_tensor_set(left, weights.data(), 0, weights.size());
  ggml_backend_tensor_set(right, activations.data(), 0, activations.size() * sizeof(float));
  return graph.Compute(product, threads);
}

}  // namespace

TEST_CASE("products are those of the quantized values, for all numbers of rows and columns") {
  std::mt19937 random(1);
  for (ggml_type type : WeightTypes()) {
    const int64_t block = ggml_blck_size(type);
    for (int64_t width : {block, 3 * block}) {
      const auto most = Quantize(type, RandomFloats(width * 33, random), width);
      for (size_t columns : {15, 16, 33}) {
        const std::vector<char> weights(most.begin(), most.begin() + columns * ggml_row_size(type, width));
        for (int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 18}) {
          const auto activations = RandomFloats(width * rows, random);
          const auto product = Multiply(type, weights, width, activations, 1 + static_cast<int>(rows % 2));
          EXPECT(Operands(type, weights, activations, width).Difference(product) < 1e-6);
        }
      }
    }
  }
}

TEST_CASE("products are right for weights of any bits") {
  std::mt19937 random(2);
  for (ggml_type type : WeightTypes()) {
    const int64_t blocks = 5;
    const int64_t width = blocks * ggml_blck_size(type);
    const auto weights = RandomBlocks(type, blocks * 40, random);
    auto activations = RandomFloats(width * 9, random);
    // A row of zeros, and one whose blocks are rounded to -127 and 127.
    std::fill_n(activations.begin(), width, 0.0f);
    for (int64_t i = 0; i < width; ++i) activations[width + i] = i % 3 == 0 ? -100.0f : 100.0f;
    const auto product = Multiply(type, weights, width, activations, 2);
    EXPECT(Operands(type, weights, activations, width).Difference(product) < 1e-6);
  }
}

TEST_CASE("products of the largest values do not overflow, and those of zeros are zero") {
  for (ggml_type type : WeightTypes()) {
    const int64_t width = 4096;
    // 0x80 makes weights of -128 in Q8_0, which ggml's quantization never does.
    for (int byte : {0x00, 0x7f, 0x80, 0xff}) {
      const auto weights = EqualBlocks(type, 20 * width / ggml_blck_size(type), byte);
      for (float value : {127.0f, -127.0f}) {
        const std::vector<float> activations(width * 9, value);
        const auto product = Multiply(type, weights, width, activations, 2);
        EXPECT(Operands(type, weights, activations, width).Difference(product) < 1e-6);
      }
      for (float result : Multiply(type, weights, width, std::vector<float>(width * 9), 2)) EXPECT(result == 0);
    }
  }
}

TEST_CASE("a row's product does not depend on the other rows nor on the number of threads") {
  std::mt19937 random(3);
  for (ggml_type type : WeightTypes()) {
    const int64_t width = 512;
    const int64_t columns = 90;
    const auto weights = RandomBlocks(type, columns * width / ggml_blck_size(type), random);
    const auto activations = RandomFloats(width * 40, random);
    const auto all = Multiply(type, weights, width, activations, 2);
    for (int64_t first : {0, 3, 11, 27}) {
      for (int64_t rows : {2, 3, 8, 9, 12, 13}) {
        const std::vector<float> part(&activations[first * width], &activations[first * width] + rows * width);
        const auto product = Multiply(type, weights, width, part, 1);
        EXPECT(std::equal(product.begin(), product.end(), all.begin() + first * columns));
      }
    }
  }
}

TEST_CASE("activations and results may be views of larger tensors") {
  std::mt19937 random(4);
  for (ggml_type type : WeightTypes()) {
    const int64_t width = 256;
    const int64_t columns = 24;
    const auto weights = Quantize(type, RandomFloats(width * columns, random), width);
    // 3 x 5 matrices of 4 rows; the rows of one matrix are 2 rows apart.
    const auto activations = RandomFloats(width * 2 * 4 * 5 * 3, random);
    Graph graph;
    ggml_context* context = graph.context();
    ggml_tensor* left = ggml_new_tensor_2d(context, type, width, columns);
    ggml_tensor* whole = ggml_new_tensor_4d(context, GGML_TYPE_F32, width, 2 * 4, 5, 3);
    ggml_tensor* right =
        ggml_view_4d(context, whole, width, 4, 5, 3, 2 * whole->nb[1], whole->nb[2], whole->nb[3], whole->nb[1]);
    ggml_tensor* product = ggml_mul_mat(context, left, right);
    graph.Allocate();
    ggml_backend_tensor_set(left, weights.data(), 0, weights.size());
    ggml_backend_tensor_set(whole, activations.data(), 0, activations.size() * sizeof(float));
    const auto result = graph.Compute(product, 3);
    std::vector<float> rows;
    for (size_t row = 1; row < 2 * 4 * 5 * 3; row += 2) {
      rows.insert(rows.end(), &activations[row * width], &activations[row * width] + width);
    }
    EXPECT(Operands(type, weights, rows, width).Difference(result) < 1e-6);
  }
}
