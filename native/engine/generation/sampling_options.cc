// See sampling_options.h.

#include "engine/generation/sampling_options.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace autocog {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
// llama.cpp truncates longer ones.
constexpr size_t kMaxBreakerSize = 40;

// An option's value with its range, inclusive.
struct RangedValue {
  const char* name;
  float value;
  float min;
  float max;
};

Status OutOfRange(const RangedValue& number) {
  std::ostringstream message;
  message << "Expected a number from " << number.min << " to " << number.max << " for " << number.name << ", got "
          << number.value;
  return Status(Code::kOutOfRange, message.str());
}

Status CheckNumbers(const SamplingOptions& options) {
  constexpr auto kMaxInt = static_cast<float>(std::numeric_limits<int>::max());
  const RangedValue numbers[] = {
      {"temperature", options.temperature, 0, kInfinity},
      {"topP", options.top_p, 0, 1},
      {"minP", options.min_p, 0, 1},
      {"typicalP", options.typical_p, 0, 1},
      {"topNSigma", options.top_n_sigma, -kInfinity, kInfinity},
      {"dynamicTemperatureRange", options.dynamic_temperature_range, 0, 1e6f},
      {"dynamicTemperatureExponent", options.dynamic_temperature_exponent, 0, 1e6f},
      {"repeatPenalty", options.repeat_penalty, 0.001f, 1000},
      {"frequencyPenalty", options.frequency_penalty, -1000, 1000},
      {"presencePenalty", options.presence_penalty, -1000, 1000},
      {"dryMultiplier", options.dry_multiplier, 0, 1000},
      {"dryBase", options.dry_base, 1, 1000},
      {"xtcProbability", options.xtc_probability, 0, 1},
      {"xtcThreshold", options.xtc_threshold, 0, 1},
      {"mirostatTau", options.mirostat_tau, 0, 1000},
      {"mirostatEta", options.mirostat_eta, 0, 10},
      {"penaltyLastN", static_cast<float>(options.penalty_last_n), -1, kMaxInt},
      {"dryPenaltyLastN", static_cast<float>(options.dry_penalty_last_n), -1, kMaxInt},
      {"dryAllowedLength", static_cast<float>(options.dry_allowed_length), 0, kMaxInt},
      {"mirostat", static_cast<float>(options.mirostat), 0, 2},
      {"minKeep", static_cast<float>(options.min_keep), 0, kMaxInt},
      {"the context size", static_cast<float>(options.context_size), 0, kMaxInt},
  };
  for (const RangedValue& number : numbers) {
    // Negated, so that NaN is out of range.
    if (!(number.value >= number.min && number.value <= number.max)) return OutOfRange(number);
  }
  return Status::Ok();
}

}  // namespace

Status CheckSamplingOptions(const Vocabulary& vocabulary, const SamplingOptions& options) {
  if (Status status = CheckNumbers(options); !status.ok()) return status;
  for (const llama_logit_bias& bias : options.bias) {
    if (!vocabulary.Contains(bias.token)) {
      return Status(Code::kOutOfRange, "Expected token ids from 0 to " + std::to_string(vocabulary.size() - 1) +
                                           " for logitBias, got " + std::to_string(bias.token));
    }
    if (bias.bias != -kInfinity && !(std::abs(bias.bias) <= 1e9f)) {
      return Status(Code::kOutOfRange, "Expected -Infinity or a number from -1e9 to 1e9 for the logit bias of token " +
                                           std::to_string(bias.token) + ", got " + std::to_string(bias.bias));
    }
  }
  for (const std::string& breaker : options.dry_sequence_breakers) {
    if (breaker.empty() || breaker.size() > kMaxBreakerSize || breaker.find('\0') != std::string::npos) {
      return Status(Code::kOutOfRange,
                    "Expected strings of 1 to 40 bytes without null bytes for drySequenceBreakers, got " +
                        std::to_string(breaker.size()) + " bytes");
    }
  }
  const std::vector<std::string> known = SamplingOptions().order;
  for (auto name = options.order.begin(); name != options.order.end(); ++name) {
    if (std::find(known.begin(), known.end(), *name) == known.end()) {
      return Status(Code::kInvalidArgument, "Expected names of samplers for order, got '" + *name + "'");
    }
    if (std::find(options.order.begin(), name, *name) != name) {
      return Status(Code::kInvalidArgument, "Expected each sampler at most once for order, got '" + *name + "' twice");
    }
  }
  return Status::Ok();
}

}  // namespace autocog
