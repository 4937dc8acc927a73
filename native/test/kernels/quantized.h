// Quantized weights and activations, and what their products are exactly.

#ifndef AUTOCOG_TEST_KERNELS_QUANTIZED_H_
#define AUTOCOG_TEST_KERNELS_QUANTIZED_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "ggml.h"

namespace autocog::test {

// The types of weights that our kernels may compute.
const std::vector<ggml_type>& WeightTypes();

// Normally distributed.
std::vector<float> RandomFloats(size_t count, std::mt19937& random);

// Rows of `width` floats in the form of `type`.
std::vector<char> Quantize(ggml_type type, const std::vector<float>& values, int64_t width);

// Blocks of any bits but for their half-precision scales, which are moderate numbers of either sign.
std::vector<char> RandomBlocks(ggml_type type, int64_t count, std::mt19937& random);
// Blocks whose bytes are all `byte`, with scales of 1.
std::vector<char> EqualBlocks(ggml_type type, int64_t count, int byte);

// Rows of weights and rows of activations, the latter as the CPU backend rounds them for weights of this type.
class Operands {
 public:
  Operands(ggml_type type, const std::vector<char>& weights, const std::vector<float>& activations, int64_t width);

  // The difference of a result to the exact product, relative to the sum of the magnitudes of the terms. Infinite if
  // it is not a number.
  double Difference(float result, int64_t column, int64_t row) const;
  // The largest difference of all products, those of a row of activations side by side.
  double Difference(const std::vector<float>& results) const;

 private:
  int64_t width_;
  int64_t columns_;
  std::vector<float> weights_;
  std::vector<float> activations_;
  // For types with an offset that is multiplied by a rounded sum: the offsets of weights, and what rounding added.
  std::vector<float> offsets_;
  std::vector<double> rounding_;
};

}  // namespace autocog::test

#endif  // AUTOCOG_TEST_KERNELS_QUANTIZED_H_
