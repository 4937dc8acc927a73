// Which tokens a grammar allows next: its matcher led along the bytes of tokens. One per generation,
// on the session's thread.

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
  // kInvalidArgument, with the place, for a text that is no grammar; kNotSupported where the
  // vocabulary has no text. The vocabulary must outlive this.
  static Result<std::unique_ptr<GrammarConstraint>> Create(const Vocabulary& vocabulary, const std::string& gbnf,
                                                           const std::string& root);

  // An end of generation is allowed where the text may end; a token without text never is. Only
  // tokens that keep the text a beginning of valid UTF-8 are.
  bool Allows(llama_token token);
  // Every token that is allowed, each once. Costs a walk through as much of the vocabulary's trie
  // as the grammar allows; valid until Accept().
  const Tokens& AllAllowed();
  // Makes the logits of those candidates -inf that are not allowed.
  void Mask(llama_token_data* candidates, size_t size);
  // REQUIRES: a token that is allowed and ends no generation.
  Status Accept(llama_token token);
  // Whether the text may end here.
  bool MayEnd() const;

 private:
  // How far a text has come: a set of the matcher, and the bytes of a code point that has begun.
  struct Walk {
    GrammarMatcher::Set set;
    uint32_t value;
    uint8_t length;  // of the code point's bytes; 0 between code points
    uint8_t missing;
  };

  GrammarConstraint(const Vocabulary& vocabulary, Grammar grammar);

  // False where the byte cannot come next.
  bool Step(Walk* walk, uint8_t byte);
  // All tokens that are allowed, into allowed_ and all_allowed_.
  void FindAllowed();
  void NoteAllowed(llama_token token);
  bool IsTextAllowed(llama_token token);

  const Vocabulary& vocabulary_;
  const TokenTrie& trie_;
  GrammarMatcher matcher_;
  // Several only where a token was read both as itself and as a text that ends within a code point.
  std::vector<Walk> walks_;
  std::vector<bool> allowed_;
  Tokens all_allowed_;
  bool allowed_is_known_ = false;
  std::vector<Walk> path_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CONSTRAINT_H_
