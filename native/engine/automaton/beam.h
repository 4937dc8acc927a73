// The beams of a completion, and how they are ranked and picked. The same rules as lib/thoughts/beam.ts.

#ifndef AUTOCOG_ENGINE_AUTOMATON_BEAM_H_
#define AUTOCOG_ENGINE_AUTOMATON_BEAM_H_

#include <string>
#include <vector>

#include "engine/automaton/thought.h"
#include "engine/generation/stop_finder.h"

namespace autocog {

struct BeamState {
  int tip = 0;  // in the token tree; of a beam that was not picked, its parent's
  Tokens tokens;
  std::vector<double> logprobs;
  double logprob = 0;  // of these and the end token
  size_t pending = 0;  // the bytes of the completion's prefix that are still missing
  StopFinder finder = StopFinder({});
  std::string text;  // without a stop
  int repeats = 0;   // how often three tokens in a row occurred before
  ThoughtStop stop = ThoughtStop::kNone;
  int stop_text = -1;
  llama_token end_token = LLAMA_TOKEN_NULL;
  double end_logprob = 0;
  // Its greedy continuation, for ranking.
  double ahead_logprob = 0;
  int ahead_tokens = 0;
  std::string ahead_text;

  // The number of tokens that count in its length.
  int64_t length() const { return static_cast<int64_t>(tokens.size()) + (end_token == LLAMA_TOKEN_NULL ? 0 : 1); }
};

// Whether the last three tokens occurred before.
bool Repeats(const Tokens& tokens);

// A beam's score, without bonus and penalty.
double BeamScore(const BeamState& beam, Normalization normalize);

// The indices of the beams in the order in which they are picked, `count` at most. Of ended beams with the
// same text only the first counts.
std::vector<int> PickBeams(const std::vector<BeamState>& beams, int count, const Action& action);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_AUTOMATON_BEAM_H_
