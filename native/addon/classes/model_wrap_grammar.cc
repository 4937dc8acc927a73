// The grammar methods of NativeModel. See model_wrap.h. Above each method: its TypeScript signature
// and the llama.h calls behind it.

#include "addon/classes/model_wrap.h"
#include "addon/values/errors.h"
#include "addon/values/values.h"
#include "engine/grammar/grammar_check.h"

namespace autocog {

// checkGrammar(grammar: string): void
// llama_tokenize
Napi::Value ModelWrap::CheckGrammar(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto grammar = ReadString(info, 0);
  if (!grammar || !CheckOpen(env)) return env.Undefined();
  const Status status = autocog::CheckGrammar(model_->vocabulary(), *grammar, "root");
  if (!status.ok()) Throw(env, status);
  return env.Undefined();
}

// matchesGrammar(grammar: string, text: string): boolean
// llama_tokenize
Napi::Value ModelWrap::MatchesGrammar(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto grammar = ReadString(info, 0);
  auto text = grammar ? ReadString(info, 1) : std::nullopt;
  if (!text || !CheckOpen(env)) return env.Undefined();
  auto matches = autocog::MatchesGrammar(model_->vocabulary(), *grammar, "root", *text);
  if (matches.ok()) return Napi::Boolean::New(env, matches.value());
  Throw(env, matches.status());
  return env.Undefined();
}

}  // namespace autocog
