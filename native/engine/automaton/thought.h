// Thoughts: the nodes of the result, and the states from which they continue. lib/thoughts/thought.ts and
// thought-node.ts describe the fields.

#ifndef AUTOCOG_ENGINE_AUTOMATON_THOUGHT_H_
#define AUTOCOG_ENGINE_AUTOMATON_THOUGHT_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/automaton/automaton_plan.h"
#include "engine/common/usage.h"

namespace autocog {

enum class Pruned { kNo, kWidth, kThreshold, kAbandoned };
enum class ThoughtStop { kNone, kEndOfGeneration, kToken, kText, kLength, kContext };
enum class SearchEnd { kExhausted, kBest, kStopAfter, kMaxThoughts, kMaxTokens, kAborted };

struct ThoughtNode {
  int parent = -1;
  int action = -1;
  int path = -1;     // of the action; −1 for a completion
  std::string text;  // of a completion
  Tokens tokens;
  std::vector<double> logprobs;
  double logprob = 0;
  double score = 0;
  double probability = 1;
  double path_score = 0;
  double path_logprob = 0;
  int replaced = 0;
  ThoughtStop stop = ThoughtStop::kNone;
  int stop_text = -1;
  Tokens stop_tokens;
  std::vector<double> stop_logprobs;
  Pruned pruned = Pruned::kNo;
  bool finished = false;
  int children = 0;
  int64_t decoded_tokens = 0;
};

struct Thoughts {
  std::vector<ThoughtNode> nodes;  // parents first, siblings in order
  SearchEnd end = SearchEnd::kExhausted;
  Usage usage;
};

// What was scored along a thought.
struct Scored {
  double logprob = 0;
  int64_t tokens = 0;
  int64_t bytes = 0;
};

// Where a thought is.
struct ThoughtState {
  int tip = 0;  // the node of the token tree
  // The log-probability of each token from the prompt on; NaN for those that are not scored.
  std::vector<double> values;
  Scored scored;
};

struct Thought {
  int node = 0;  // of the result
  ThoughtState state;
  int action = 0;  // that follows
};

// One result of an action.
struct Expansion {
  ThoughtNode node;
  ThoughtState state;     // unless the node is pruned
  std::vector<int> next;  // the actions that follow
  int64_t tokens = 0;     // scored or generated
};

// The results of a thought's action; `fits` is false if they exceed the context.
struct Expansions {
  bool fits = true;
  std::vector<Expansion> list;
};

inline double ScoreOf(const Scored& scored, Metric metric) {
  if (metric == Metric::kSum || scored.logprob == 0) return scored.logprob;
  const int64_t length = metric == Metric::kMean ? scored.tokens : scored.bytes;
  return scored.logprob / static_cast<double>(std::max<int64_t>(1, length));
}

// The divisor of a log-probability.
double DivisorOf(Normalization normalize, int64_t tokens, const std::string& text);

// The number of bytes of a text once invalid UTF-8 is replaced by U+FFFD, as in JavaScript.
int64_t ByteLength(const std::string& text);

bool IsValidUtf8(const std::string& text);

// Whether a text has whole characters only, also after JavaScript has replaced invalid UTF-8 by U+FFFD.
bool HasWholeCharacters(const std::string& text);

// exp(score) of each over their sum; `counts` is false for those that repeat another.
std::vector<double> ProbabilitiesOf(const std::vector<double>& scores, const std::vector<bool>& counts);

// Sets `pruned` by the action's width and threshold.
void Prune(const Action& action, int rank, ThoughtNode* node);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_AUTOMATON_THOUGHT_H_
