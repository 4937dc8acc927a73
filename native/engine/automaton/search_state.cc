// See search_state.h.

#include "engine/automaton/search_state.h"

namespace autocog {

ThoughtState Extend(ThoughtDecoder* decoder, const ThoughtState& state, const Tokens& tokens,
                    const std::vector<double>& values) {
  ThoughtState extended = state;
  for (llama_token token : tokens) extended.tip = decoder->Child(extended.tip, token);
  extended.values.insert(extended.values.end(), values.begin(), values.end());
  return extended;
}

ThoughtState WithoutLast(const ThoughtDecoder& decoder, const ThoughtState& state, int count, bool drops) {
  ThoughtState kept = state;
  for (; count > 0; --count) {
    kept.tip = decoder.tree().parent(kept.tip);
    const double value = kept.values.back();
    kept.values.pop_back();
    if (!drops || std::isnan(value)) continue;
    --kept.scored.tokens;
    // An impossible token leaves the thought impossible: -infinity minus -infinity is no number.
    if (std::isfinite(value)) kept.scored.logprob -= value;
  }
  if (kept.scored.tokens == 0) kept.scored.logprob = 0;
  return kept;
}

}  // namespace autocog
