// See decoding_rules.h.

#include "engine/context/decoding_rules.h"

namespace autocog {

DecodingRules DecodingRulesOf(const ModelInfo& info) {
  DecodingRules rules;
  rules.all_rows = info.architecture == "cogvlm";
  for (const char* architecture : {"arwkv7", "plamo2", "rwkv6qwen2"}) {
    if (info.architecture == architecture) rules.one_sequence = true;
  }
  if (info.architecture == "chameleon") {
    // The range is fixed in llama.cpp's src/models/chameleon.cpp.
    rules.suppressed_from = 4;
    rules.suppressed_to = 8196;
  }
  return rules;
}

}  // namespace autocog
