// The grammar methods of NativeModel. See model_wrap.h. Above each method: its TypeScript signature
// and the llama.h calls behind it.

#include "addon/classes/model_wrap.h"
#include "addon/environment.h"
#include "addon/job.h"
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

// checkGrammarInJob(grammar: string, cancellation): Promise<void>
// llama_tokenize
Napi::Value ModelWrap::CheckGrammarInJob(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto grammar = ReadString(info, 0);
  auto flag = grammar ? ReadCancellation(info, 1) : std::nullopt;
  if (!flag || !CheckOpen(env)) return env.Undefined();
  const std::shared_ptr<JobThread>& thread = ThreadFor(env, grammar->size());
  auto work = [model = model_, grammar = std::move(*grammar)]() -> Result<Nothing> {
    const Status status = autocog::CheckGrammar(model->vocabulary(), grammar, "root");
    if (!status.ok()) return status;
    return Nothing{};
  };
  return Job<Nothing>::Start(env, Value(), thread, std::move(work), ToUndefined);
}

// matchesGrammar(grammar: string, text: string, cancellation): Promise<boolean>
// llama_tokenize
Napi::Value ModelWrap::MatchesGrammar(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto grammar = ReadString(info, 0);
  auto text = grammar ? ReadString(info, 1) : std::nullopt;
  auto flag = text ? ReadCancellation(info, 2) : std::nullopt;
  if (!flag || !CheckOpen(env)) return env.Undefined();
  // A thread of its own: it may take minutes, which texts to tokenize should not wait for.
  if (!grammar_thread_) grammar_thread_ = Environment::Get(env)->NewThread();
  auto work = [model = model_, grammar = std::move(*grammar), text = std::move(*text),
               cancellation = Cancellation(grammar_thread_.get(), std::move(*flag))] {
    return autocog::MatchesGrammar(model->vocabulary(), grammar, "root", text, cancellation);
  };
  return Job<bool>::Start(env, Value(), grammar_thread_, std::move(work),
                          [](Napi::Env env, bool& matches) -> Napi::Value { return Napi::Boolean::New(env, matches); });
}

}  // namespace autocog
