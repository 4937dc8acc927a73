// Products of weights in the buffer in which ggml repacks them on this CPU, compared with sums in double precision.

#include <algorithm>
#include <random>
#include <vector>

#include "engine/common/backend.h"
#include "ggml-backend.h"
#include "ggml.h"
#include "test/common/check.h"
#include "test/kernels/graph.h"
#include "test/kernels/quantized.h"

namespace {

using autocog::test::Graph;
using autocog::test::Operands;
using autocog::test::RandomBlocks;
using autocog::test::RandomFloats;
using autocog::test::WeightTypes;

// As the CPU backend computes the product. Empty if it cannot repack these weights.
std::vector<float> Multiply(ggml_type type, const std::vector<char>& weights, int64_t width,
                            const std::vector<float>& activations, bool repacked) {
  const auto columns = static_cast<int64_t>(weights.size() / ggml_row_size(type, width));
  Graph graph;
  ggml_tensor* left = ggml_new_tensor_2d(graph.context(), type, width, columns);
  ggml_tensor* right =
      ggml_new_tensor_2d(graph.context(), GGML_TYPE_F32, width, static_cast<int64_t>(activations.size()) / width);
  if (repacked && (!graph.AllocateRepacked(left) || left->extra == nullptr)) return {};
  ggml_tensor* product = ggml_mul_mat(graph.context(), left, right);
  graph.Allocate();
  ggml_backend_tensor_set(left, weights.data(), 0, weights.size());
  ggml_backend_tensor_set(right, activations.data(), 0, activations.size() * sizeof(float));
  return graph.Compute(product, 2);
}

}  // namespace

TEST_CASE("products of repacked weights are those of the quantized values") {
  std::mt19937 random(1);
  for (ggml_type type : WeightTypes()) {
    const int64_t block = ggml_blck_size(type);
    for (int64_t width : {block, 3 * block}) {
      for (int64_t columns : {8, 16, 40}) {
        const auto weights = RandomBlocks(type, columns * width / block, random);
        for (int64_t rows : {1, 2, 5, 8, 19}) {
          const auto activations = RandomFloats(width * rows, random);
          const auto product = Multiply(type, weights, width, activations, true);
          EXPECT(Operands(type, weights, activations, width).Difference(product) < 1e-6);
        }
      }
    }
  }
}

TEST_CASE("our kernels compute the same from repacked weights as from weights as they are") {
  const auto kernels = autocog::Kernels();
  std::mt19937 random(2);
  for (ggml_type type : {GGML_TYPE_Q4_0, GGML_TYPE_Q4_K}) {
    const char* name = type == GGML_TYPE_Q4_0 ? "Q4_0" : "Q4_K";
    if (std::find(kernels.begin(), kernels.end(), name) == kernels.end()) continue;
    const int64_t width = 512;
    const auto weights = RandomBlocks(type, 40 * width / ggml_blck_size(type), random);
    for (int64_t rows : {2, 9, 13}) {
      const auto activations = RandomFloats(width * rows, random);
      const auto repacked = Multiply(type, weights, width, activations, true);
      EXPECT(!repacked.empty());
      EXPECT(repacked == Multiply(type, weights, width, activations, false));
    }
  }
}
