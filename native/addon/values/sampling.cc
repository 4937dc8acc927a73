// See sampling.h.

#include "addon/values/sampling.h"

#include "addon/values/values.h"

namespace autocog {

namespace {

float FloatField(const Napi::Object& object, const char* name) { return static_cast<float>(NumberField(object, name)); }

}  // namespace

SamplingOptions ReadSampling(const Napi::Object& object) {
  SamplingOptions options;
  options.temperature = FloatField(object, "temperature");
  options.top_k = IntField(object, "topK");
  options.top_p = FloatField(object, "topP");
  options.min_p = FloatField(object, "minP");
  options.typical_p = FloatField(object, "typicalP");
  options.top_n_sigma = FloatField(object, "topNSigma");
  options.dynamic_temperature_range = FloatField(object, "dynamicTemperatureRange");
  options.dynamic_temperature_exponent = FloatField(object, "dynamicTemperatureExponent");
  options.penalty_last_n = IntField(object, "penaltyLastN");
  options.repeat_penalty = FloatField(object, "repeatPenalty");
  options.frequency_penalty = FloatField(object, "frequencyPenalty");
  options.presence_penalty = FloatField(object, "presencePenalty");
  options.dry_multiplier = FloatField(object, "dryMultiplier");
  options.dry_base = FloatField(object, "dryBase");
  options.dry_allowed_length = IntField(object, "dryAllowedLength");
  options.dry_penalty_last_n = IntField(object, "dryPenaltyLastN");
  options.dry_sequence_breakers = StringsField(object, "drySequenceBreakers");
  options.xtc_probability = FloatField(object, "xtcProbability");
  options.xtc_threshold = FloatField(object, "xtcThreshold");
  options.mirostat = IntField(object, "mirostat");
  options.mirostat_tau = FloatField(object, "mirostatTau");
  options.mirostat_eta = FloatField(object, "mirostatEta");
  options.min_keep = IntField(object, "minKeep");
  const std::vector<int32_t> tokens = Int32sField(object, "biasTokens");
  const std::vector<double> values = DoublesField(object, "biasValues");
  for (size_t i = 0; i < tokens.size() && i < values.size(); ++i) {
    options.bias.push_back({tokens[i], static_cast<float>(values[i])});
  }
  options.order = StringsField(object, "order");
  options.seed = static_cast<uint32_t>(NumberField(object, "seed"));
  options.grammar = StringField(object, "grammar");
  return options;
}

}  // namespace autocog
