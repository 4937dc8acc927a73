// The tokenizer methods of NativeModel. See model_wrap.h. Above each method: its TypeScript signature
// and the llama.h calls behind it.

#include <string>
#include <utility>
#include <vector>

#include "addon/classes/model_wrap.h"
#include "addon/job.h"
#include "addon/values/errors.h"
#include "addon/values/values.h"

namespace autocog {

namespace {

// The concatenated tokens of several texts, with the number of tokens of each.
struct TokenLists {
  Tokens tokens;
  std::vector<int32_t> lengths;
};

// Bytes of text from which tokenizing may take as long as other callers would notice.
constexpr size_t kLongText = size_t{64} << 10;

}  // namespace

const std::shared_ptr<JobThread>& ModelWrap::ThreadFor(Napi::Env env, size_t bytes) {
  if (bytes < kLongText) return thread_;
  if (!long_thread_) long_thread_ = Environment::Get(env)->NewThread();
  return long_thread_;
}

// tokenizeSync(text: string, addSpecial: boolean, parseSpecial: boolean): Int32Array
// llama_tokenize
Napi::Value ModelWrap::TokenizeSync(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto text = ReadString(info, 0);
  auto add_special = text ? ReadBool(info, 1) : std::nullopt;
  auto parse_special = add_special ? ReadBool(info, 2) : std::nullopt;
  if (!parse_special || !CheckOpen(env)) return env.Undefined();
  auto tokens = model_->vocabulary().Tokenize(*text, *add_special, *parse_special);
  if (tokens.ok()) return FromInt32s(env, tokens.value());
  Throw(env, tokens.status());
  return env.Undefined();
}

// tokenize(text: string, addSpecial: boolean, parseSpecial: boolean, cancellation): Promise<Int32Array>
// llama_tokenize
Napi::Value ModelWrap::Tokenize(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto text = ReadString(info, 0);
  auto add_special = text ? ReadBool(info, 1) : std::nullopt;
  auto parse_special = add_special ? ReadBool(info, 2) : std::nullopt;
  auto flag = parse_special ? ReadCancellation(info, 3) : std::nullopt;
  if (!flag || !CheckOpen(env)) return env.Undefined();
  const std::shared_ptr<JobThread>& thread = ThreadFor(env, text->size());
  auto work = [model = model_, text = std::move(*text), add = *add_special, parse = *parse_special,
               cancellation = Cancellation(thread.get(), std::move(*flag))] {
    return model->vocabulary().Tokenize(text, add, parse, cancellation);
  };
  return Job<Tokens>::Start(env, Value(), thread, std::move(work),
                            [](Napi::Env env, Tokens& tokens) { return FromInt32s(env, tokens); });
}

// tokenizeMany(bytes: Uint8Array, ends: Int32Array, addSpecial: boolean, parseSpecial: boolean,
//              cancellation): Promise<{ tokens, lengths }>
// llama_tokenize
Napi::Value ModelWrap::TokenizeMany(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto bytes = ReadBytes(info, 0);
  auto ends = bytes ? ReadInt32s(info, 1) : std::nullopt;
  auto add_special = ends ? ReadBool(info, 2) : std::nullopt;
  auto parse_special = add_special ? ReadBool(info, 3) : std::nullopt;
  auto flag = parse_special ? ReadCancellation(info, 4) : std::nullopt;
  if (!flag || !CheckOpen(env)) return env.Undefined();
  const std::shared_ptr<JobThread>& thread = ThreadFor(env, bytes->size());
  auto work = [model = model_, bytes = std::move(*bytes), ends = std::move(*ends), add = *add_special,
               parse = *parse_special,
               cancellation = Cancellation(thread.get(), std::move(*flag))]() -> Result<TokenLists> {
    TokenLists lists;
    size_t start = 0;
    for (int32_t last : ends) {
      const auto end = static_cast<size_t>(last);
      if (last < 0 || end < start || end > bytes.size()) {
        return Status(Code::kInvalidArgument, "Expected ascending ends within the bytes of the texts");
      }
      const std::string text(bytes.begin() + static_cast<std::ptrdiff_t>(start),
                             bytes.begin() + static_cast<std::ptrdiff_t>(end));
      start = end;
      auto tokens = model->vocabulary().Tokenize(text, add, parse, cancellation);
      if (!tokens.ok()) return tokens.status();
      lists.tokens.insert(lists.tokens.end(), tokens.value().begin(), tokens.value().end());
      lists.lengths.push_back(static_cast<int32_t>(tokens.value().size()));
    }
    return lists;
  };
  return Job<TokenLists>::Start(env, Value(), thread, std::move(work),
                                [](Napi::Env env, TokenLists& lists) -> Napi::Value {
                                  Napi::Object object = Napi::Object::New(env);
                                  object.Set("tokens", FromInt32s(env, lists.tokens));
                                  object.Set("lengths", FromInt32s(env, lists.lengths));
                                  return object;
                                });
}

// detokenizeSync(tokens: Int32Array, special: boolean, continuation: boolean): string
// llama_detokenize, llama_token_to_piece
Napi::Value ModelWrap::DetokenizeSync(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto tokens = ReadInt32s(info, 0);
  auto special = tokens ? ReadBool(info, 1) : std::nullopt;
  auto continuation = special ? ReadBool(info, 2) : std::nullopt;
  if (!continuation || !CheckOpen(env)) return env.Undefined();
  auto text = model_->vocabulary().Detokenize(*tokens, *special, *continuation);
  if (text.ok()) return Napi::String::New(env, text.value());
  Throw(env, text.status());
  return env.Undefined();
}

// detokenize(tokens: Int32Array, special: boolean, continuation: boolean): Promise<string>
// llama_detokenize, llama_token_to_piece
Napi::Value ModelWrap::Detokenize(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto tokens = ReadInt32s(info, 0);
  auto special = tokens ? ReadBool(info, 1) : std::nullopt;
  auto continuation = special ? ReadBool(info, 2) : std::nullopt;
  if (!continuation || !CheckOpen(env)) return env.Undefined();
  auto work = [model = model_, tokens = std::move(*tokens), special = *special, continuation = *continuation] {
    return model->vocabulary().Detokenize(tokens, special, continuation);
  };
  return Job<std::string>::Start(env, Value(), thread_, std::move(work), [](Napi::Env env, std::string& text) {
    return Napi::Value(Napi::String::New(env, text));
  });
}

// tokenBytes(token: number): Uint8Array
// llama_token_to_piece
Napi::Value ModelWrap::TokenBytes(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto token = ReadInt(info, 0);
  if (!token || !CheckOpen(env)) return env.Undefined();
  auto bytes = model_->vocabulary().TokenBytes(*token);
  if (!bytes.ok()) {
    Throw(env, bytes.status());
    return env.Undefined();
  }
  return FromBytes(env, bytes.value());
}

// tokenTable(): NativeTokenTable
// llama_vocab_get_text, llama_vocab_get_score, llama_vocab_get_attr
Napi::Value ModelWrap::TokenTable(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!CheckOpen(env)) return env.Undefined();
  const autocog::TokenTable table = model_->vocabulary().Table();
  Napi::Object object = Napi::Object::New(env);
  object.Set("bytes", FromBytes(env, table.texts));
  object.Set("ends", FromInt32s(env, table.ends));
  object.Set("scores", FromFloats(env, table.scores));
  object.Set("attributes", FromInt32s(env, table.attributes));
  return object;
}

}  // namespace autocog
