// The vectorized log-sum-exp, compared with long doubles.

#include "engine/scoring/log_softmax.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "test/common/check.h"

namespace {

double Oracle(const std::vector<float>& logits) {
  long double maximum = -std::numeric_limits<long double>::infinity();
  for (float logit : logits) maximum = std::max<long double>(maximum, logit);
  long double sum = 0;
  for (float logit : logits) sum += std::exp(static_cast<long double>(logit) - maximum);
  return static_cast<double>(maximum + std::log(sum));
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("log-sum-exp matches long doubles for all sizes up to 70 and those of vocabularies") {
  std::mt19937 random(1);
  std::vector<size_t> sizes;
  for (size_t size = 1; size <= 70; ++size) sizes.push_back(size);
  for (size_t size : {1023u, 1024u, 1025u, 32000u, 151936u}) sizes.push_back(size);
  for (float spread : {0.01f, 1.0f, 8.0f, 60.0f}) {
    std::normal_distribution<float> logit(3.0f, spread);
    for (size_t size : sizes) {
      std::vector<float> logits(size);
      for (float& each : logits) each = logit(random);
      EXPECT_NEAR(autocog::LogSumExp(logits.data(), size), Oracle(logits), 1e-6);
    }
  }
}

TEST_CASE("minus infinity has probability 0") {
  std::vector<float> logits(40, -kInfinity);
  logits[3] = 1.5f;
  EXPECT_NEAR(autocog::LogSumExp(logits.data(), logits.size()), 1.5, 1e-7);
  std::vector<float> out(40);
  autocog::LogSoftmax(logits.data(), logits.size(), out.data());
  EXPECT(out[0] == -kInfinity);
  EXPECT_NEAR(out[3], 0.0f, 1e-6f);
}

TEST_CASE("the result for a row that is not a distribution is not finite") {
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity}) {
    for (size_t index : {0u, 17u, 39u}) {
      std::vector<float> logits(40, 0.5f);
      logits[index] = bad;
      EXPECT(!std::isfinite(autocog::LogSumExp(logits.data(), logits.size())));
    }
  }
  const std::vector<float> nothing(40, -kInfinity);
  EXPECT(!std::isfinite(autocog::LogSumExp(nothing.data(), nothing.size())));
}

TEST_CASE("extreme but finite logits neither overflow nor vanish") {
  std::vector<float> logits(64, -3e38f);
  logits[5] = 3e38f;
  EXPECT(autocog::LogSumExp(logits.data(), logits.size()) == static_cast<double>(3e38f));
  const std::vector<float> low(64, -1e30f);
  EXPECT_NEAR(autocog::LogSumExp(low.data(), low.size()) / -1e30, 1.0, 1e-6);
}

TEST_CASE("log-softmax works in index and sums to one") {
  std::mt19937 random(2);
  std::normal_distribution<float> logit(0.0f, 5.0f);
  std::vector<float> logits(50257);
  for (float& each : logits) each = logit(random);
  autocog::LogSoftmax(logits.data(), logits.size(), logits.data());
  double sum = 0;
  for (float each : logits) sum += std::exp(static_cast<double>(each));
  EXPECT_NEAR(sum, 1.0, 1e-5);
}

TEST_CASE("entropy agrees with its definition in long doubles") {
  std::mt19937 random(4);
  std::normal_distribution<float> logit(0.0f, 4.0f);
  for (size_t size : {1u, 15u, 16u, 17u, 1000u, 151936u}) {
    std::vector<float> logits(size);
    for (float& each : logits) each = logit(random);
    if (size > 20) logits[3] = -kInfinity;
    long double sum = 0;
    for (float each : logits) sum += std::exp(static_cast<long double>(each));
    long double expected = 0;
    for (float each : logits) {
      const long double p = std::exp(static_cast<long double>(each)) / sum;
      if (p > 0) expected -= p * std::log(p);
    }
    EXPECT_NEAR(autocog::Entropy(logits.data(), size), static_cast<double>(expected), 1e-5);
  }
  const std::vector<float> equal(64, 1.5f);
  EXPECT_NEAR(autocog::Entropy(equal.data(), equal.size()), std::log(64.0), 1e-6);
  const std::vector<float> nothing(40, -kInfinity);
  EXPECT(std::isnan(autocog::Entropy(nothing.data(), nothing.size())));
}

TEST_CASE("a rank counts the more probable tokens, and those with equal probability and a lower id") {
  const std::vector<float> logits{1, 3, 2, 3, 2, -kInfinity, 2};
  const std::vector<size_t> expected{5, 0, 2, 1, 3, 6, 4};
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT(autocog::CountBefore(logits.data(), logits.size(), i) == expected[i]);
  }
}
