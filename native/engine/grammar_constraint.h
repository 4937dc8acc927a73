// Which tokens a grammar allows next. One per generation, on the session's thread.

#ifndef AUTOCOG_ENGINE_GRAMMAR_CONSTRAINT_H_
#define AUTOCOG_ENGINE_GRAMMAR_CONSTRAINT_H_

#include <memory>
#include <string>

#include "engine/status.h"
#include "engine/vocabulary.h"
#include "llama.h"

namespace autocog {

class GrammarConstraint {
 public:
  // kInvalidArgument, with the place, for a text that is no grammar; kNotSupported where the
  // vocabulary has no text.
  static Result<std::unique_ptr<GrammarConstraint>> Create(const Vocabulary& vocabulary, const std::string& gbnf,
                                                           const std::string& root);

  bool Allows(llama_token token);
  // Makes the logits of those candidates -inf that are not allowed.
  void Mask(llama_token_data* candidates, size_t size);
  // REQUIRES: a token that is allowed and ends no generation.
  Status Accept(llama_token token);

 private:
  struct Free {
    void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
  };

  std::unique_ptr<llama_sampler, Free> grammar_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_CONSTRAINT_H_
