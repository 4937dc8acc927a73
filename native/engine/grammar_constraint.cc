// See grammar_constraint.h.

#include "engine/grammar_constraint.h"

#include <cmath>
#include <exception>

#include "engine/log.h"

namespace autocog {

Result<std::unique_ptr<GrammarConstraint>> GrammarConstraint::Create(const Vocabulary& vocabulary,
                                                                     const std::string& gbnf, const std::string& root) {
  if (llama_vocab_type(vocabulary.raw()) == LLAMA_VOCAB_TYPE_NONE) {
    return Status(Code::kNotSupported, "This model has no tokenizer, so no grammar can constrain its tokens");
  }
  LogCapture log;
  auto constraint = std::make_unique<GrammarConstraint>();
  constraint->grammar_.reset(llama_sampler_init_grammar(vocabulary.raw(), gbnf.c_str(), root.c_str()));
  if (!constraint->grammar_) return Status(Code::kInvalidArgument, "Expected a grammar", log.text());
  return constraint;
}

bool GrammarConstraint::Allows(llama_token token) {
  llama_token_data candidate{token, 0, 0};
  Mask(&candidate, 1);
  return !std::isinf(candidate.logit);
}

void GrammarConstraint::Mask(llama_token_data* candidates, size_t size) {
  llama_token_data_array array{candidates, size, -1, false};
  llama_sampler_apply(grammar_.get(), &array);
}

Status GrammarConstraint::Accept(llama_token token) {
  try {
    llama_sampler_accept(grammar_.get(), token);
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The grammar did not take a token that it allows", error.what());
  }
  return Status::Ok();
}

}  // namespace autocog
