// See model_wrap.h. Above each method: its TypeScript signature and the llama.h calls that
// it leads to.

#include "addon/classes/model_wrap.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "addon/classes/adapter_wrap.h"
#include "addon/environment.h"
#include "addon/job.h"
#include "addon/values/errors.h"
#include "addon/values/options.h"
#include "addon/values/values.h"
#include "engine/model/control_vector.h"

namespace autocog {

namespace {

constexpr napi_type_tag kModelTag = {0x3f0e9d5b1c7a4e22ULL, 0xb16a0d9c5e7f4831ULL};

// What a load hands from the engine thread to the new object.
struct Loaded {
  std::shared_ptr<JobThread> thread;
  std::shared_ptr<Model> model;
};

// Several texts' tokens, one after the other.
struct TokenLists {
  Tokens tokens;
  std::vector<int32_t> lengths;
};

// Progress on its way to JavaScript. The function is dropped on the JavaScript thread.
class ProgressEvent final : public Event {
 public:
  ProgressEvent(std::shared_ptr<Napi::FunctionReference> function, float fraction)
      : function_(std::move(function)), fraction_(fraction) {}
  void Deliver(Napi::Env env) override {
    // lib hands in a function that does not throw.
    function_->Call({Napi::Number::New(env, static_cast<double>(fraction_))});
  }

 private:
  std::shared_ptr<Napi::FunctionReference> function_;
  float fraction_;
};

}  // namespace

void ModelWrap::Install(Napi::Env env) {
  Napi::Function constructor = DefineClass(
      env, "NativeModel",
      {InstanceMethod<&ModelWrap::Info>("info"), InstanceMethod<&ModelWrap::Vocab>("vocab"),
       InstanceMethod<&ModelWrap::Metadata>("metadata"), InstanceMethod<&ModelWrap::TokenizeSync>("tokenizeSync"),
       InstanceMethod<&ModelWrap::Tokenize>("tokenize"), InstanceMethod<&ModelWrap::TokenizeMany>("tokenizeMany"),
       InstanceMethod<&ModelWrap::DetokenizeSync>("detokenizeSync"),
       InstanceMethod<&ModelWrap::Detokenize>("detokenize"), InstanceMethod<&ModelWrap::TokenBytes>("tokenBytes"),
       InstanceMethod<&ModelWrap::CheckGrammar>("checkGrammar"),
       InstanceMethod<&ModelWrap::MatchesGrammar>("matchesGrammar"),
       InstanceMethod<&ModelWrap::TokenTable>("tokenTable"), InstanceMethod<&ModelWrap::LoadAdapter>("loadAdapter"),
       InstanceMethod<&ModelWrap::ReadControlVector>("readControlVector"), InstanceMethod<&ModelWrap::Close>("close")});
  Environment::Get(env)->model_class = Napi::Persistent(constructor);
}

// loadModel(path: string, options: NativeModelOptions, onProgress, cancellation): Promise<NativeModel>
// llama_model_load_from_file
Napi::Value ModelWrap::Load(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto path = ReadString(info, 0);
  auto object = path ? ReadObject(info, 1) : std::nullopt;
  auto flag = object ? ReadCancellation(info, 3) : std::nullopt;
  if (!flag) return env.Undefined();
  ModelOptions options = ReadModelOptions(*object);
  if (env.IsExceptionPending()) return env.Undefined();

  Environment* environment = Environment::Get(env);
  auto thread = environment->NewThread();
  std::function<void(float)> progress;
  if (info[2].IsFunction()) {
    // Owned by this function's frame chain on the JavaScript thread: the deleter below runs
    // with the last event or with the job, both of which end there (rule 3).
    auto function = std::make_shared<Napi::FunctionReference>(Napi::Persistent(info[2].As<Napi::Function>()));
    progress = [environment, function, last = -1.0f](float fraction) mutable {
      // llama.cpp reports every tensor; a hundred steps are enough for anyone.
      if (fraction < 1.0f && fraction - last < 0.01f) return;
      last = fraction;
      environment->Send(std::make_unique<ProgressEvent>(function, fraction));
    };
  }
  // `progress` is moved into the job, which is destroyed on the JavaScript thread.
  auto work = [thread, path = std::move(*path), options = std::move(options), progress = std::move(progress),
               flag = std::move(*flag)]() -> Result<Loaded> {
    auto model = Model::Load(path, options, progress, Cancellation(thread.get(), flag));
    if (!model.ok()) return model.status();
    return Loaded{thread, std::move(model.value())};
  };
  return Job<Loaded>::Start(env, Napi::Object::New(env), thread, std::move(work), [](Napi::Env env, Loaded& loaded) {
    return Environment::Get(env)->model_class.New({Napi::External<Loaded>::New(env, &loaded)});
  });
}

std::shared_ptr<Model> ModelWrap::From(const Napi::CallbackInfo& info, size_t index) {
  if (info[index].IsObject() && info[index].As<Napi::Object>().CheckTypeTag(&kModelTag)) {
    ModelWrap* wrap = Napi::ObjectWrap<ModelWrap>::Unwrap(info[index].As<Napi::Object>());
    if (!wrap->CheckOpen(info.Env())) return nullptr;
    return wrap->model_;
  }
  Napi::TypeError::New(info.Env(), "Native call: expected a model").ThrowAsJavaScriptException();
  return nullptr;
}

ModelWrap::ModelWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ModelWrap>(info) {
  if (!info[0].IsExternal()) {
    Napi::TypeError::New(info.Env(), "Models come from loadModel").ThrowAsJavaScriptException();
    return;
  }
  auto* loaded = info[0].As<Napi::External<Loaded>>().Data();
  thread_ = std::move(loaded->thread);
  model_ = std::move(loaded->model);
  info.This().As<Napi::Object>().TypeTag(&kModelTag);
  Environment::Get(info.Env())->Add(this);
  CountMemory(info.Env(), static_cast<int64_t>(model_->info().size_bytes));
}

ModelWrap::~ModelWrap() {
  Environment::Get(Env())->Remove(this);
  if (thread_) thread_->Join();
  if (counted_bytes_ != 0) CountMemory(Env(), -counted_bytes_);
}

void ModelWrap::CountMemory(Napi::Env env, int64_t bytes) {
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  counted_bytes_ += bytes;
}

bool ModelWrap::CheckOpen(Napi::Env env) const {
  if (model_) return true;
  Throw(env, Status(Code::kClosed, "The model is closed"));
  return false;
}

// info(): NativeModelInfo
// llama_model_desc, llama_model_n_*, llama_model_size, llama_model_is_*, llama_model_chat_template
Napi::Value ModelWrap::Info(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!CheckOpen(env)) return env.Undefined();
  const ModelInfo& facts = model_->info();
  Napi::Object object = Napi::Object::New(env);
  object.Set("path", facts.path);
  object.Set("description", facts.description);
  object.Set("architecture", facts.architecture);
  object.Set("parameters", static_cast<double>(facts.parameters));
  object.Set("sizeBytes", static_cast<double>(facts.size_bytes));
  object.Set("trainContextSize", facts.train_context_size);
  object.Set("layers", facts.layers);
  object.Set("embeddingSize", facts.embedding_size);
  object.Set("heads", facts.heads);
  object.Set("headsKV", facts.heads_kv);
  object.Set("slidingWindow", facts.sliding_window);
  object.Set("hasEncoder", facts.has_encoder);
  object.Set("hasDecoder", facts.has_decoder);
  object.Set("recurrent", facts.recurrent);
  object.Set("hybrid", facts.hybrid);
  object.Set("diffusion", facts.diffusion);
  object.Set("vocabOnly", facts.vocab_only);
  object.Set("rope", facts.has_rope);
  object.Set("ropeFrequencyBaseTrain", static_cast<double>(facts.rope_frequency_base));
  object.Set("ropeFrequencyScaleTrain", static_cast<double>(facts.rope_frequency_scale));
  object.Set("ropeScalingTrain", facts.rope_scaling);
  object.Set("gpuLayers", facts.gpu_layers);
  object.Set("chatTemplate", facts.has_chat_template ? Napi::String::New(env, facts.chat_template) : env.Undefined());
  return object;
}

// vocab(): NativeVocab
// llama_vocab_*
Napi::Value ModelWrap::Vocab(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!CheckOpen(env)) return env.Undefined();
  const Vocabulary& vocabulary = model_->vocabulary();
  const llama_vocab* raw = vocabulary.raw();
  Napi::Object object = Napi::Object::New(env);
  object.Set("size", vocabulary.size());
  object.Set("type", vocabulary.type_name());
  object.Set("bos", llama_vocab_bos(raw));
  object.Set("eos", llama_vocab_eos(raw));
  object.Set("eot", llama_vocab_eot(raw));
  object.Set("nl", llama_vocab_nl(raw));
  object.Set("pad", llama_vocab_pad(raw));
  object.Set("sep", llama_vocab_sep(raw));
  object.Set("mask", llama_vocab_mask(raw));
  object.Set("fimPre", llama_vocab_fim_pre(raw));
  object.Set("fimSuf", llama_vocab_fim_suf(raw));
  object.Set("fimMid", llama_vocab_fim_mid(raw));
  object.Set("addBos", llama_vocab_get_add_bos(raw));
  object.Set("addEos", llama_vocab_get_add_eos(raw));
  object.Set("addSep", llama_vocab_get_add_sep(raw));
  object.Set("endOfGeneration", FromInt32s(env, vocabulary.end_of_generation()));
  return object;
}

// metadata(): string[]
// llama_model_meta_count, llama_model_meta_key_by_index, llama_model_meta_val_str_by_index
Napi::Value ModelWrap::Metadata(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!CheckOpen(env)) return env.Undefined();
  const auto metadata = model_->Metadata();
  Napi::Array array = Napi::Array::New(env, metadata.size() * 2);
  uint32_t index = 0;
  for (const auto& [key, value] : metadata) {
    array.Set(index++, key);
    array.Set(index++, value);
  }
  return array;
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

// tokenize(text: string, addSpecial: boolean, parseSpecial: boolean): Promise<Int32Array>
// llama_tokenize
Napi::Value ModelWrap::Tokenize(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto text = ReadString(info, 0);
  auto add_special = text ? ReadBool(info, 1) : std::nullopt;
  auto parse_special = add_special ? ReadBool(info, 2) : std::nullopt;
  if (!parse_special || !CheckOpen(env)) return env.Undefined();
  auto work = [model = model_, text = std::move(*text), add = *add_special, parse = *parse_special] {
    return model->vocabulary().Tokenize(text, add, parse);
  };
  return Job<Tokens>::Start(env, Value(), thread_, std::move(work),
                            [](Napi::Env env, Tokens& tokens) { return FromInt32s(env, tokens); });
}

// tokenizeMany(bytes: Uint8Array, ends: Int32Array, addSpecial: boolean, parseSpecial: boolean): Promise<{ tokens,
// lengths }> llama_tokenize
Napi::Value ModelWrap::TokenizeMany(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto bytes = ReadBytes(info, 0);
  auto ends = bytes ? ReadInt32s(info, 1) : std::nullopt;
  auto add_special = ends ? ReadBool(info, 2) : std::nullopt;
  auto parse_special = add_special ? ReadBool(info, 3) : std::nullopt;
  if (!parse_special || !CheckOpen(env)) return env.Undefined();
  auto work = [model = model_, bytes = std::move(*bytes), ends = std::move(*ends), add = *add_special,
               parse = *parse_special]() -> Result<TokenLists> {
    TokenLists lists;
    size_t start = 0;
    for (int32_t last : ends) {
      const auto end = static_cast<size_t>(last);
      if (last < 0 || end < start || end > bytes.size()) {
        return Status(Code::kInvalidArgument, "Expected ascending ends within the bytes of all texts");
      }
      const std::string text(bytes.begin() + static_cast<std::ptrdiff_t>(start),
                             bytes.begin() + static_cast<std::ptrdiff_t>(end));
      start = end;
      auto tokens = model->vocabulary().Tokenize(text, add, parse);
      if (!tokens.ok()) return tokens.status();
      lists.tokens.insert(lists.tokens.end(), tokens.value().begin(), tokens.value().end());
      lists.lengths.push_back(static_cast<int32_t>(tokens.value().size()));
    }
    return lists;
  };
  return Job<TokenLists>::Start(env, Value(), thread_, std::move(work),
                                [](Napi::Env env, TokenLists& lists) -> Napi::Value {
                                  Napi::Object object = Napi::Object::New(env);
                                  object.Set("tokens", FromInt32s(env, lists.tokens));
                                  object.Set("lengths", FromInt32s(env, lists.lengths));
                                  return object;
                                });
}

// detokenizeSync(tokens: Int32Array, special: boolean): string
// llama_detokenize
Napi::Value ModelWrap::DetokenizeSync(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto tokens = ReadInt32s(info, 0);
  auto special = tokens ? ReadBool(info, 1) : std::nullopt;
  if (!special || !CheckOpen(env)) return env.Undefined();
  auto text = model_->vocabulary().Detokenize(*tokens, *special);
  if (text.ok()) return Napi::String::New(env, text.value());
  Throw(env, text.status());
  return env.Undefined();
}

// detokenize(tokens: Int32Array, special: boolean): Promise<string>
// llama_detokenize
Napi::Value ModelWrap::Detokenize(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto tokens = ReadInt32s(info, 0);
  auto special = tokens ? ReadBool(info, 1) : std::nullopt;
  if (!special || !CheckOpen(env)) return env.Undefined();
  auto work = [model = model_, tokens = std::move(*tokens), special = *special] {
    return model->vocabulary().Detokenize(tokens, special);
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

// loadAdapter(path: string): Promise<NativeAdapter>
// llama_adapter_lora_init
Napi::Value ModelWrap::LoadAdapter(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto path = ReadString(info, 0);
  if (!path || !CheckOpen(env)) return env.Undefined();
  return AdapterWrap::Load(env, Value(), thread_, model_, std::move(*path));
}

// readControlVector(path: string): Promise<Float32Array>
// gguf_init_from_file
Napi::Value ModelWrap::ReadControlVector(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto path = ReadString(info, 0);
  if (!path || !CheckOpen(env)) return env.Undefined();
  auto work = [model = model_, path = std::move(*path)] {
    return autocog::ReadControlVector(path, model->info().embedding_size, model->info().layers);
  };
  return Job<ControlVector>::Start(env, Value(), thread_, std::move(work), [](Napi::Env env, ControlVector& vector) {
    return FromFloats(env, std::move(vector.data));
  });
}

// close(): Promise<void>
// llama_model_free, unless a session still uses the model
Napi::Value ModelWrap::Close(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  CountMemory(env, -counted_bytes_);
  // The last reference may be this one, and freeing gigabytes takes time: do it over there.
  auto holder = std::make_shared<std::shared_ptr<Model>>(std::move(model_));
  model_.reset();
  auto work = [holder]() -> Result<Nothing> {
    holder->reset();
    return Nothing{};
  };
  return Job<Nothing>::Start(env, Value(), thread_, std::move(work), ToUndefined);
}

}  // namespace autocog
