// Determines which tokens a grammar allows next, by running its matcher over the tokens' bytes. One per
// generation, on the session's thread.

#ifndef AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CONSTRAINT_H_
#define AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CONSTRAINT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/common/status.h"
#include "engine/grammar/grammar_matcher.h"
#include "engine/model/token_trie.h"
#include "engine/model/vocabulary.h"
#include "llama.h"

namespace autocog {

class GrammarConstraint {
 public:
  // kInvalidArgument, with the position, for an invalid grammar; kNotSupported if the vocabulary has no
  // text. The vocabulary must outlive this.
  static Result<std::unique_ptr<GrammarConstraint>> Create(const Vocabulary& vocabulary, const std::string& gbnf,
                                                           const std::string& root);

  // End-of-generation tokens are allowed if the text may end here, and other tokens without text never.
  // Tokens must keep the text a prefix of valid UTF-8.
  bool Allows(llama_token token);
  // All allowed tokens, without duplicates, valid until Accept(). Traverses the part of the vocabulary's
  // trie that the grammar allows.
  const Tokens& AllAllowed();
  // Sets the logits of candidates that are not allowed to -inf.
  void Mask(llama_token_data* candidates, size_t size);
  // Advances by a token. REQUIRES: the token is allowed and is not an end-of-generation token.
  Status Accept(llama_token token);
  // Whether the grammar allows the text to end here.
  bool CanEnd() const;

 private:
  // A state of the matcher, plus the bytes of an incomplete code point.
  struct State {
    GrammarMatcher::Set set;
    uint32_t value;
    uint8_t length;   // bytes of the code point; 0 between code points
    uint8_t missing;  // bytes of it that are still to come
  };

  GrammarConstraint(const Vocabulary& vocabulary, Grammar grammar);

  // Advances by a byte. Returns false if the grammar does not allow it.
  bool Step(State* state, uint8_t byte);
  // Computes allowed_ and all_allowed_.
  void FindAllowed();
  void AddAllowed(llama_token token);
  bool IsTextAllowed(llama_token token);

  const Vocabulary& vocabulary_;
  const TokenTrie& trie_;
  GrammarMatcher matcher_;
  // More than one only if a token matched both a token element and text that ends within a code point.
  std::vector<State> states_;
  std::vector<bool> allowed_;
  Tokens all_allowed_;
  bool allowed_is_cached_ = false;
  std::vector<State> path_;  // per depth of the trie traversal; reused across calls
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CONSTRAINT_H_
