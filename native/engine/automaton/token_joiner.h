// The tokens of texts that follow a thought: alone, as a text that continues another, or healed over the
// boundary. The same rules as lib/choose/healing.ts.

#ifndef AUTOCOG_ENGINE_AUTOMATON_TOKEN_JOINER_H_
#define AUTOCOG_ENGINE_AUTOMATON_TOKEN_JOINER_H_

#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/automaton/automaton_plan.h"
#include "engine/common/status.h"
#include "engine/model/vocabulary.h"

namespace autocog {

struct JoinedPaths {
  std::vector<Tokens> paths;
  int replaced = 0;  // the number of last tokens of the thought that they replace
};

class TokenJoiner {
 public:
  // The maximum number of replaced tokens. A character has at most four bytes, and so as many tokens.
  static constexpr size_t kMaxReplaced = 8;

  // Both must outlive this.
  TokenJoiner(const AutomatonPlan& plan, const Vocabulary& vocabulary) : plan_(plan), vocabulary_(vocabulary) {}

  // The paths of an action's texts after a thought of these tokens, the prompt included.
  Result<JoinedPaths> Join(const PathsAction& action, const Tokens& context) const;

  // The tokens of a text that continues another.
  Result<Tokens> Tokenize(const std::string& text) const;

  // The number of last tokens to be replaced, and their text; 0 if there are none that make up whole
  // characters.
  Result<int> Trimmed(const Tokens& context, std::string* text) const;

  // The smallest number of tokens of whole characters whose text is `prefix`, or begins with it; kNotPossible if
  // there are none. Cached.
  Result<int> TokensFor(const std::string& prefix);
  static constexpr int kNotPossible = std::numeric_limits<int>::max();

  // The tokens with which a generated text of at most `count` tokens that begins with `prefix` may begin. Cached.
  Result<const TokenSet*> Beginnings(const std::string& prefix, int count);

 private:
  const AutomatonPlan& plan_;
  const Vocabulary& vocabulary_;
  // Calls visit(token, common) for each token of whole characters that a text which begins with `prefix` may begin
  // with; `common` is the length of what they share.
  template <typename Visit>
  Status VisitBeginnings(const std::string& prefix, const Visit& visit);

  std::vector<std::string> texts_;  // of all tokens, once needed; empty for those of no whole characters
  std::map<std::string, int> needed_;
  std::map<std::pair<std::string, int>, TokenSet> beginnings_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_AUTOMATON_TOKEN_JOINER_H_
