// See log_softmax.h. Plain loops that GCC and clang vectorize. On x86-64 the loader selects a clone for
// the CPU (function multiversioning), so that portable builds use AVX2 or AVX-512, too.

#include "engine/scoring/log_softmax.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

// Only ELF supports clones, and sanitized code would run before the loader has resolved them.
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !defined(AUTOCOG_NO_CLONES)
#define AUTOCOG_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define AUTOCOG_CLONES
#endif

namespace autocog {

namespace {

constexpr size_t kLanes = 16;
// The number of terms before the float lanes are flushed into a double, 64 per lane: adding 64 numbers in
// [0, 1] has an error of at most 64 half-units in the last place of the lane's sum.
constexpr size_t kBlock = 64 * kLanes;

// exp(x) for x <= 0, with a relative error below 2e-7; 0 for x < −87.3, where floats underflow.
// 2^n · p(r) with r = x − n·ln 2 in [−ln 2/2, ln 2/2]; p is the Taylor polynomial of degree 7.
inline float ExpNonPositive(float x) {
  constexpr float kLog2E = 1.44269504088896341f;
  constexpr float kLn2High = 0.693145751953125f;
  constexpr float kLn2Low = 1.42860682030941723e-6f;
  // Adding and subtracting 1.5 · 2^23 rounds to the nearest integer without a branch.
  constexpr float kRound = 12582912.0f;
  // NaN is replaced by the constant, since its conversion to an integer is undefined.
  const float clamped = x > -88.0f ? x : -88.0f;
  const float n = (clamped * kLog2E + kRound) - kRound;
  const float r = (clamped - n * kLn2High) - n * kLn2Low;
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  // Exactly 0 for −inf. x − x is 0, except for NaN, which it propagates to the sum.
  return x < -87.3f ? 0.0f : p * scale + (x - x);
}

AUTOCOG_CLONES float Maximum(const float* logits, size_t size) {
  float lanes[kLanes];
  std::fill(lanes, lanes + kLanes, -std::numeric_limits<float>::infinity());
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = logits[i + lane] > lanes[lane] ? logits[i + lane] : lanes[lane];
    }
  }
  float maximum = *std::max_element(lanes, lanes + kLanes);
  for (; i < size; ++i) maximum = std::max(maximum, logits[i]);
  return maximum;
}

AUTOCOG_CLONES double SumExp(const float* logits, size_t size, float maximum) {
  double sum = 0;
  size_t i = 0;
  while (i + kLanes <= size) {
    const size_t end = std::min(i + kBlock, size - size % kLanes);
    float lanes[kLanes] = {};
    for (; i < end; i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += ExpNonPositive(logits[i + lane] - maximum);
    }
    for (size_t lane = 0; lane < kLanes; ++lane) sum += static_cast<double>(lanes[lane]);
  }
  for (; i < size; ++i) sum += static_cast<double>(ExpNonPositive(logits[i] - maximum));
  return sum;
}

// Σ exp(x) and Σ x exp(x) for x = logits − maximum.
struct Moments {
  double zeroth;
  double first;
};

// Plain data, for clang: it declares a constructor that a clone calls, but does not define it.
AUTOCOG_CLONES void SumMoments(const float* logits, size_t size, float maximum, Moments* result) {
  Moments sum{0, 0};
  size_t i = 0;
  while (i + kLanes <= size) {
    const size_t end = std::min(i + kBlock, size - size % kLanes);
    float zeroth[kLanes] = {};
    float first[kLanes] = {};
    for (; i < end; i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const float x = logits[i + lane] - maximum;
        const float weight = ExpNonPositive(x);
        zeroth[lane] += weight;
        // Clamped, since the weight of −inf is 0, and 0 · −inf would be NaN.
        first[lane] += weight * (x > -88.0f ? x : -88.0f);
      }
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sum.zeroth += static_cast<double>(zeroth[lane]);
      sum.first += static_cast<double>(first[lane]);
    }
  }
  for (; i < size; ++i) {
    const float x = logits[i] - maximum;
    const float weight = ExpNonPositive(x);
    sum.zeroth += static_cast<double>(weight);
    sum.first += static_cast<double>(weight * (x > -88.0f ? x : -88.0f));
  }
  *result = sum;
}

AUTOCOG_CLONES size_t CountNotFinite(const float* logits, size_t size) {
  size_t count = 0;
  // The comparison is false for NaN and +inf.
  for (size_t i = 0; i < size; ++i) count += logits[i] <= std::numeric_limits<float>::max() ? 0 : 1;
  return count;
}

AUTOCOG_CLONES size_t CountAbove(const float* logits, size_t size, float value) {
  size_t count = 0;
  for (size_t i = 0; i < size; ++i) count += logits[i] > value ? 1 : 0;
  return count;
}

AUTOCOG_CLONES size_t CountEqual(const float* logits, size_t size, float value) {
  size_t count = 0;
  for (size_t i = 0; i < size; ++i) count += logits[i] == value ? 1 : 0;
  return count;
}

AUTOCOG_CLONES void Subtract(const float* logits, size_t size, double value, float* out) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<float>(static_cast<double>(logits[i]) - value);
}

}  // namespace

double LogSumExp(const float* logits, size_t size) {
  const float maximum = Maximum(logits, size);
  // +inf, or nothing above −inf: returns NaN.
  if (!std::isfinite(maximum)) return static_cast<double>(maximum - maximum);
  return static_cast<double>(maximum) + std::log(SumExp(logits, size, maximum));
}

double Entropy(const float* logits, size_t size) {
  const float maximum = Maximum(logits, size);
  if (!std::isfinite(maximum)) return std::numeric_limits<double>::quiet_NaN();
  Moments sum;
  SumMoments(logits, size, maximum, &sum);
  // −Σ (e^x / S) (x − log S) = log S − Σ x e^x / S.
  return std::max(0.0, std::log(sum.zeroth) - sum.first / sum.zeroth);
}

size_t ArgMax(const float* logits, size_t size) {
  const float maximum = Maximum(logits, size);
  if (!std::isfinite(maximum) || CountNotFinite(logits, size) > 0) return size;
  return static_cast<size_t>(std::find(logits, logits + size, maximum) - logits);
}

size_t CountBefore(const float* logits, size_t size, size_t index) {
  return CountAbove(logits, size, logits[index]) + CountEqual(logits, index, logits[index]);
}

double LogSoftmax(const float* logits, size_t size, float* out) {
  const double normalizer = LogSumExp(logits, size);
  Subtract(logits, size, normalizer, out);
  return normalizer;
}

}  // namespace autocog
