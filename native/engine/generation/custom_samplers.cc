// See custom_samplers.h. The samplers are stateless: each needs only a name and an apply function.

#include "engine/generation/custom_samplers.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace autocog {

namespace {

constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();
// e^-87 is about the smallest normal float.
constexpr float kMinExponent = -87.0f;

float MaxLogit(const llama_token_data_array* candidates) {
  float maximum = kNegativeInfinity;
  for (size_t i = 0; i < candidates->size; ++i) maximum = std::max(maximum, candidates->data[i].logit);
  return maximum;
}

void ApplyUniform(llama_sampler*, llama_token_data_array* candidates) {
  for (size_t i = 0; i < candidates->size; ++i) {
    if (candidates->data[i].logit > kNegativeInfinity) candidates->data[i].logit = 0;
  }
}

void ApplyShift(llama_sampler*, llama_token_data_array* candidates) {
  const float maximum = MaxLogit(candidates);
  for (size_t i = 0; i < candidates->size; ++i) candidates->data[i].logit -= maximum;
}

void ApplyDropZero(llama_sampler*, llama_token_data_array* candidates) {
  const float min_logit = MaxLogit(candidates) + kMinExponent;
  llama_token_data* end = std::remove_if(candidates->data, candidates->data + candidates->size,
                                         [min_logit](const llama_token_data& each) { return each.logit < min_logit; });
  candidates->size = static_cast<size_t>(end - candidates->data);
}

llama_sampler_i Interface(const char* (*name)(const llama_sampler*),
                          void (*apply)(llama_sampler*, llama_token_data_array*)) {
  llama_sampler_i interface {};
  interface.name = name;
  interface.apply = apply;
  return interface;
}

}  // namespace

llama_sampler* NewUniformSampler() {
  static llama_sampler_i interface = Interface([](const llama_sampler*) { return "uniform"; }, ApplyUniform);
  return llama_sampler_init(&interface, nullptr);
}

llama_sampler* NewShiftSampler() {
  static llama_sampler_i interface = Interface([](const llama_sampler*) { return "shift"; }, ApplyShift);
  return llama_sampler_init(&interface, nullptr);
}

llama_sampler* NewDropZeroSampler() {
  static llama_sampler_i interface = Interface([](const llama_sampler*) { return "drop-zero"; }, ApplyDropZero);
  return llama_sampler_init(&interface, nullptr);
}

}  // namespace autocog
