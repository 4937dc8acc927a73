// An automaton as JavaScript has prepared it: lib/thoughts/plan.ts describes the fields.

#ifndef AUTOCOG_ENGINE_AUTOMATON_AUTOMATON_PLAN_H_
#define AUTOCOG_ENGINE_AUTOMATON_AUTOMATON_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/common/status.h"
#include "engine/model/vocabulary.h"

namespace autocog {

enum class Metric { kMean, kSum, kBytes };
enum class Normalization { kNone, kTokens, kBytes, kChars };

// One bit per token, the lowest first. Empty: no set.
class TokenSet {
 public:
  TokenSet() = default;
  explicit TokenSet(std::vector<uint8_t> bits) : bits_(std::move(bits)) {}
  bool empty() const { return bits_.empty(); }
  bool Has(llama_token token) const {
    const auto index = static_cast<size_t>(token);
    return index / 8 < bits_.size() && (bits_[index / 8] >> (index % 8) & 1) != 0;
  }

 private:
  std::vector<uint8_t> bits_;
};

// A fixed text, with one path, or a choice.
struct PathsAction {
  std::vector<Tokens> paths;
  std::vector<std::string> texts;  // of the paths, without a terminator
  std::string terminator;
  bool scored = false;  // otherwise the text counts as certain
  bool ends = false;    // the end of generation is scored after each path
};

struct CompletionAction {
  int max_tokens = 1;
  int beams = 1;
  int ahead = 0;
  std::vector<std::string> stops;
  TokenSet stop_tokens;
  TokenSet allowed;  // with stop tokens and ends of generation; empty: all tokens
  double repetition = 0;
  double diversity = 0;
};

struct Action {
  bool is_completion = false;
  PathsAction paths;
  CompletionAction completion;
  Normalization normalize = Normalization::kNone;
  int width = 1;
  double threshold = 0;
  std::vector<int> next;
  bool forks = true;  // false: the n-th path continues with the n-th action of `next`
};

struct AutomatonPlan {
  std::vector<Action> actions;
  Metric metric = Metric::kMean;
  bool healed = false;
  // What keeps a text that continues another from the space that the tokenizer puts in front of texts:
  // lib/common/continuation.ts.
  std::string guard;
  Tokens guard_tokens;
  Tokens end_tokens;
  std::vector<int> entries;  // the actions that follow the prompt
  // Limits; negative: none.
  int64_t max_thoughts = -1;
  int64_t max_tokens = -1;
  int64_t stop_after = -1;
  bool until_best = false;
};

// kOutOfRange or kInvalidArgument for what the search does not survive.
Status CheckPlan(const AutomatonPlan& plan, const Vocabulary& vocabulary);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_AUTOMATON_AUTOMATON_PLAN_H_
