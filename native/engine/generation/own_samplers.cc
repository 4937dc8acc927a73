// See own_samplers.h. None has state, so none needs more than a name and an apply function.

#include "engine/generation/own_samplers.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace autocog {

namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();
// e^-87 is the least that is still a normal float.
constexpr float kLeastExponent = -87.0f;

float Greatest(const llama_token_data_array* candidates) {
  float greatest = kImpossible;
  for (size_t i = 0; i < candidates->size; ++i) greatest = std::max(greatest, candidates->data[i].logit);
  return greatest;
}

void ApplyUniform(llama_sampler*, llama_token_data_array* candidates) {
  for (size_t i = 0; i < candidates->size; ++i) {
    if (candidates->data[i].logit > kImpossible) candidates->data[i].logit = 0;
  }
}

void ApplyShift(llama_sampler*, llama_token_data_array* candidates) {
  const float greatest = Greatest(candidates);
  for (size_t i = 0; i < candidates->size; ++i) candidates->data[i].logit -= greatest;
}

void ApplyDropImpossible(llama_sampler*, llama_token_data_array* candidates) {
  const float least = Greatest(candidates) + kLeastExponent;
  llama_token_data* end = std::remove_if(candidates->data, candidates->data + candidates->size,
                                         [least](const llama_token_data& each) { return each.logit < least; });
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

llama_sampler* NewDropImpossibleSampler() {
  static llama_sampler_i interface =
      Interface([](const llama_sampler*) { return "drop-impossible"; }, ApplyDropImpossible);
  return llama_sampler_init(&interface, nullptr);
}

}  // namespace autocog
