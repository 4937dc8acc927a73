// Products of quantized weights as the CPU backend computes them, by our kernels where the CPU has the instructions,
// compared with sums in double precision of the quantized values.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"
#include "test/common/check.h"
#include "test/kernels/graph.h"

namespace {

using autocog::test::Graph;

std::vector<float> Random(size_t count, std::mt19937& random) {
  std::normal_distribution<float> value(0.0f, 1.0f);
  std::vector<float> all(count);
  for (float& each : all) each = value(random);
  return all;
}

std::vector<char> Quantize(ggml_type type, const std::vector<float>& values, int64_t width) {
  const int64_t rows = static_cast<int64_t>(values.size()) / width;
  std::vector<char> quantized(ggml_row_size(type, width) * rows);
  ggml_quantize_chunk(type, values.data(), quantized.data(), 0, rows, width, nullptr);
  return quantized;
}

std::vector<float> Dequantize(ggml_type type, const std::vector<char>& values, size_t count) {
  std::vector<float> floats(count);
  ggml_get_type_traits(type)->to_float(values.data(), floats.data(), static_cast<int64_t>(count));
  return floats;
}

// Activations as the CPU backend quantizes them for a product.
std::vector<float> Round(const std::vector<float>& activations, int64_t width) {
  Graph graph;
  const auto rows = static_cast<int64_t>(activations.size()) / width;
  ggml_tensor* values = ggml_new_tensor_2d(graph.context(), GGML_TYPE_F32, width, rows);
  ggml_tensor* quantized = ggml_cast(graph.context(), values, GGML_TYPE_Q8_0);
  graph.Allocate();
  ggml_backend_tensor_set(values, activations.data(), 0, activations.size() * sizeof(float));
  return Dequantize(GGML_TYPE_Q8_0, graph.ComputeBytes(quantized, 1), activations.size());
}

// The product of weights of `columns` rows and activations of `rows` rows, as the CPU backend computes it.
std::vector<float> Multiply(ggml_type type, const std::vector<char>& weights, int64_t width, int64_t columns,
                            const std::vector<float>& activations, int threads) {
  const int64_t rows = static_cast<int64_t>(activations.size()) / width;
  Graph graph;
  ggml_tensor* left = ggml_new_tensor_2d(graph.context(), type, width, columns);
  ggml_tensor* right = ggml_new_tensor_2d(graph.context(), GGML_TYPE_F32, width, rows);
  ggml_tensor* product = ggml_mul_mat(graph.context(), left, right);
  graph.Allocate();
  ggml_backend_tensor_set(left, weights.data(), 0, weights.size());
  ggml_backend_tensor_set(right, activations.data(), 0, activations.size() * sizeof(float));
  return graph.Compute(product, threads);
}

// The largest difference to the exact product, relative to the sum of the magnitudes, of which rounding is a part.
double Error(const std::vector<float>& product, const std::vector<float>& weights,
             const std::vector<float>& activations, int64_t width) {
  const size_t columns = weights.size() / width;
  double worst = 0;
  for (size_t at = 0; at < product.size(); ++at) {
    double exact = 0;
    double magnitude = 1e-30;
    for (int64_t i = 0; i < width; ++i) {
      const double term =
          static_cast<double>(weights[at % columns * width + i]) * activations[at / columns * width + i];
      exact += term;
      magnitude += std::abs(term);
    }
    worst = std::max(worst, std::abs(product[at] - exact) / magnitude);
    if (std::isnan(product[at])) return INFINITY;
  }
  return worst;
}

}  // namespace

TEST_CASE("products of Q8_0 are those of the quantized values, for all numbers of rows and columns") {
  std::mt19937 random(1);
  for (int64_t width : {32, 64, 896}) {
    for (int64_t columns : {1, 15, 16, 17, 33, 100}) {
      const auto weights = Quantize(GGML_TYPE_Q8_0, Random(width * columns, random), width);
      const auto exact = Dequantize(GGML_TYPE_Q8_0, weights, width * columns);
      for (int64_t rows : {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 64, 67}) {
        const auto activations = Random(width * rows, random);
        const auto rounded = Round(activations, width);
        for (int threads : {1, 3}) {
          EXPECT(Error(Multiply(GGML_TYPE_Q8_0, weights, width, columns, activations, threads), exact, rounded, width) <
                 1e-6);
        }
      }
    }
  }
}

TEST_CASE("products of Q8_0 with the largest values do not overflow, and those of zeros are zero") {
  const int64_t width = 4096;
  const int64_t columns = 20;
  // Weights of -128, which ggml's quantization never makes, times activations of 127 and -127.
  std::vector<char> weights(ggml_row_size(GGML_TYPE_Q8_0, width) * columns, static_cast<char>(-128));
  const ggml_fp16_t one = ggml_fp32_to_fp16(1.0f);
  for (size_t at = 0; at < weights.size(); at += 34) std::memcpy(&weights[at], &one, sizeof(one));
  for (float value : {127.0f, -127.0f, 0.0f}) {
    const std::vector<float> activations(width * 9, value);
    for (float result : Multiply(GGML_TYPE_Q8_0, weights, width, columns, activations, 2)) {
      EXPECT(result == -128.0f * value * width);
    }
  }
}

TEST_CASE("a row's product does not depend on the other rows nor on the number of threads") {
  std::mt19937 random(2);
  const int64_t width = 256;
  const int64_t columns = 90;
  const auto weights = Quantize(GGML_TYPE_Q8_0, Random(width * columns, random), width);
  const auto activations = Random(width * 40, random);
  const auto all = Multiply(GGML_TYPE_Q8_0, weights, width, columns, activations, 2);
  for (int64_t first : {0, 3, 11, 30}) {
    for (int64_t rows : {8, 9, 10}) {
      const std::vector<float> part(&activations[first * width], &activations[first * width] + rows * width);
      const auto product = Multiply(GGML_TYPE_Q8_0, weights, width, columns, part, 3);
      EXPECT(std::equal(product.begin(), product.end(), all.begin() + first * columns));
    }
  }
}

TEST_CASE("activations and results may be views of larger tensors") {
  std::mt19937 random(3);
  const int64_t width = 64;
  const int64_t columns = 24;
  const auto weights = Quantize(GGML_TYPE_Q8_0, Random(width * columns, random), width);
  const auto exact = Dequantize(GGML_TYPE_Q8_0, weights, width * columns);
  // 3 x 5 matrices of 4 rows; the rows of one matrix are 2 rows apart.
  const auto activations = Random(width * 2 * 4 * 5 * 3, random);
  Graph graph;
  ggml_context* context = graph.context();
  ggml_tensor* left = ggml_new_tensor_2d(context, GGML_TYPE_Q8_0, width, columns);
  ggml_tensor* whole = ggml_new_tensor_4d(context, GGML_TYPE_F32, width, 2 * 4, 5, 3);
  ggml_tensor* right =
      ggml_view_4d(context, whole, width, 4, 5, 3, 2 * whole->nb[1], whole->nb[2], whole->nb[3], whole->nb[1]);
  ggml_tensor* product = ggml_mul_mat(context, left, right);
  graph.Allocate();
  ggml_backend_tensor_set(left, weights.data(), 0, weights.size());
  ggml_backend_tensor_set(whole, activations.data(), 0, activations.size() * sizeof(float));
  const auto result = graph.Compute(product, 2);
  std::vector<float> rows;
  for (size_t row = 1; row < 2 * 4 * 5 * 3; row += 2) {
    rows.insert(rows.end(), &activations[row * width], &activations[row * width] + width);
  }
  const auto rounded = Round(rows, width);
  EXPECT(Error(result, exact, rounded, width) < 1e-6);
}
