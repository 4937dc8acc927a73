// See quantized.h.

#include "test/kernels/quantized.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ggml-backend.h"
#include "test/kernels/graph.h"

namespace autocog::test {

namespace {

constexpr int64_t kBlock = 32;

// Where the half-precision numbers of a block are.
std::vector<size_t> Halves(ggml_type type) {
  switch (type) {
    case GGML_TYPE_Q4_1:
    case GGML_TYPE_Q5_1:
    case GGML_TYPE_Q4_K:
    case GGML_TYPE_Q5_K:
      return {0, 2};
    case GGML_TYPE_Q2_K:
      return {80, 82};
    case GGML_TYPE_Q3_K:
      return {108};
    case GGML_TYPE_Q6_K:
      return {208};
    default:
      return {0};
  }
}

bool HasRoundedSums(ggml_type type) { return type == GGML_TYPE_Q4_1 || type == GGML_TYPE_Q5_1; }

ggml_type ActivationType(ggml_type weights) {
  if (ggml_blck_size(weights) == 256) return GGML_TYPE_Q8_K;
  return HasRoundedSums(weights) ? GGML_TYPE_Q8_1 : GGML_TYPE_Q8_0;
}

float Half(const char* from) {
  ggml_fp16_t half;
  std::memcpy(&half, from, sizeof(half));
  return ggml_fp16_to_fp32(half);
}

std::vector<char> QuantizeOnBackend(ggml_type type, const std::vector<float>& values, int64_t width) {
  Graph graph;
  const auto rows = static_cast<int64_t>(values.size()) / width;
  ggml_tensor* floats = ggml_new_tensor_2d(graph.context(), GGML_TYPE_F32, width, rows);
  ggml_tensor* quantized = ggml_cast(graph.context(), floats, type);
  graph.Allocate();
  ggml_backend_tensor_set(floats, values.data(), 0, values.size() * sizeof(float));
  return graph.ComputeBytes(quantized, 1);
}

}  // namespace

const std::vector<ggml_type>& WeightTypes() {
  static const std::vector<ggml_type> types = {GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1,
                                               GGML_TYPE_Q8_0, GGML_TYPE_Q2_K, GGML_TYPE_Q3_K, GGML_TYPE_Q4_K,
                                               GGML_TYPE_Q5_K, GGML_TYPE_Q6_K};
  return types;
}

std::vector<float> RandomFloats(size_t count, std::mt19937& random) {
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

std::vector<char> RandomBlocks(ggml_type type, int64_t count, std::mt19937& random) {
  const size_t size = ggml_type_size(type);
  std::vector<char> blocks(count * size);
  for (char& byte : blocks) byte = static_cast<char>(random());
  std::uniform_real_distribution<float> number(-2.0f, 2.0f);
  for (size_t block = 0; block < blocks.size(); block += size) {
    for (size_t at : Halves(type)) {
      const ggml_fp16_t half = ggml_fp32_to_fp16(number(random));
      std::memcpy(&blocks[block + at], &half, sizeof(half));
    }
  }
  return blocks;
}

std::vector<char> EqualBlocks(ggml_type type, int64_t count, int byte) {
  const size_t size = ggml_type_size(type);
  std::vector<char> blocks(count * size, static_cast<char>(byte));
  const ggml_fp16_t one = ggml_fp32_to_fp16(1.0f);
  for (size_t block = 0; block < blocks.size(); block += size) {
    for (size_t at : Halves(type)) std::memcpy(&blocks[block + at], &one, sizeof(one));
  }
  return blocks;
}

Operands::Operands(ggml_type type, const std::vector<char>& weights, const std::vector<float>& activations,
                   int64_t width)
    : width_(width), weights_(weights.size() / ggml_type_size(type) * ggml_blck_size(type)) {
  columns_ = static_cast<int64_t>(weights_.size()) / width;
  ggml_get_type_traits(type)->to_float(weights.data(), weights_.data(), static_cast<int64_t>(weights_.size()));

  const ggml_type rounded = ActivationType(type);
  const std::vector<char> quantized = QuantizeOnBackend(rounded, activations, width);
  const size_t head = rounded == GGML_TYPE_Q8_0 ? 2 : 4;
  for (const char* block = quantized.data(); block < quantized.data() + quantized.size();
       block += ggml_type_size(rounded)) {
    float scale = 0;
    if (rounded == GGML_TYPE_Q8_K) {
      std::memcpy(&scale, block, sizeof(scale));
    } else {
      scale = Half(block);
    }
    double sum = 0;
    for (int64_t i = 0; i < ggml_blck_size(rounded); ++i) {
      activations_.push_back(scale * static_cast<float>(static_cast<int8_t>(block[head + i])));
      sum += activations_.back();
    }
    if (HasRoundedSums(type)) rounding_.push_back(Half(block + 2) - sum);
  }
  if (HasRoundedSums(type)) {
    for (size_t block = 0; block < weights.size(); block += ggml_type_size(type)) {
      offsets_.push_back(Half(&weights[block + 2]));
    }
  }
}

double Operands::Difference(float result, int64_t column, int64_t row) const {
  double exact = 0;
  double magnitude = 1e-30;
  for (int64_t i = 0; i < width_; ++i) {
    const double term = static_cast<double>(weights_[column * width_ + i]) * activations_[row * width_ + i];
    exact += term;
    magnitude += std::abs(term);
  }
  if (!offsets_.empty()) {
    const int64_t blocks = width_ / kBlock;
    for (int64_t i = 0; i < blocks; ++i) exact += offsets_[column * blocks + i] * rounding_[row * blocks + i];
  }
  return std::isnan(result) ? INFINITY : std::abs(result - exact) / magnitude;
}

double Operands::Difference(const std::vector<float>& results) const {
  double worst = 0;
  for (size_t at = 0; at < results.size(); ++at) {
    const auto number = static_cast<int64_t>(at);
    worst = std::max(worst, Difference(results[at], number % columns_, number / columns_));
  }
  return worst;
}

}  // namespace autocog::test
