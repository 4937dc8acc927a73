// See model_wrap.h. Above each method: its TypeScript signature and the
// llama.h calls behind it.

#include "addon/classes/model_wrap.h"

#include <string>
#include <utility>

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

// The result of a load, handed from the engine thread to the new object.
struct Loaded {
  std::shared_ptr<JobThread> thread;
  std::shared_ptr<Model> model;
};

// Reports load progress to JavaScript. The function is released on the JavaScript thread.
class ProgressEvent final : public Event {
 public:
  ProgressEvent(std::shared_ptr<Napi::FunctionReference> function, float fraction)
      : function_(std::move(function)), fraction_(fraction) {}
  void Deliver(Napi::Env env) override {
    // lib passes a function that does not throw.
    function_->Call({Napi::Number::New(env, static_cast<double>(fraction_))});
  }

 private:
  std::shared_ptr<Napi::FunctionReference> function_;
  float fraction_;
};

}  // namespace

bool ModelWrap::Install(Napi::Env env) {
  Napi::Function constructor = DefineClass(
      env, "NativeModel",
      {InstanceMethod<&ModelWrap::Info>("info"), InstanceMethod<&ModelWrap::Vocab>("vocab"),
       InstanceMethod<&ModelWrap::Metadata>("metadata"), InstanceMethod<&ModelWrap::TokenizeSync>("tokenizeSync"),
       InstanceMethod<&ModelWrap::Tokenize>("tokenize"), InstanceMethod<&ModelWrap::TokenizeMany>("tokenizeMany"),
       InstanceMethod<&ModelWrap::DetokenizeSync>("detokenizeSync"),
       InstanceMethod<&ModelWrap::Detokenize>("detokenize"), InstanceMethod<&ModelWrap::TokenBytes>("tokenBytes"),
       InstanceMethod<&ModelWrap::CheckGrammar>("checkGrammar"),
       InstanceMethod<&ModelWrap::CheckGrammarInJob>("checkGrammarInJob"),
       InstanceMethod<&ModelWrap::MatchesGrammar>("matchesGrammar"),
       InstanceMethod<&ModelWrap::TokenTable>("tokenTable"), InstanceMethod<&ModelWrap::LoadAdapter>("loadAdapter"),
       InstanceMethod<&ModelWrap::ReadControlVector>("readControlVector"), InstanceMethod<&ModelWrap::Close>("close")});
  if (constructor.IsEmpty()) return false;
  Environment::Get(env)->model_class = Napi::Persistent(constructor);
  return true;
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
    // Shared by the job and its events, all of which are destroyed on the JavaScript thread, so the
    // function is released there (rule 3).
    auto function = std::make_shared<Napi::FunctionReference>(Napi::Persistent(info[2].As<Napi::Function>()));
    progress = [environment, function, last = -1.0f](float fraction) mutable {
      // llama.cpp reports progress per tensor; forward it only in steps of one percent.
      if (fraction < 1.0f && fraction - last < 0.01f) return;
      last = fraction;
      environment->Send(std::make_unique<ProgressEvent>(function, fraction));
    };
  }
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
    // Null in a worker that is being terminated (rule 5).
    if (wrap == nullptr || !wrap->CheckOpen(info.Env())) return nullptr;
    return wrap->model_;
  }
  Napi::TypeError::New(info.Env(), "Native call: expected a model").ThrowAsJavaScriptException();
  return nullptr;
}

ModelWrap::ModelWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ModelWrap>(info) {
  if (!info[0].IsExternal()) {
    Napi::TypeError::New(info.Env(), "Models are created by loadModel").ThrowAsJavaScriptException();
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
  if (long_thread_) long_thread_->Join();
  if (grammar_thread_) grammar_thread_->Join();
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
  const ModelInfo& model_info = model_->info();
  Napi::Object object = Napi::Object::New(env);
  object.Set("path", model_info.path);
  object.Set("description", model_info.description);
  object.Set("architecture", model_info.architecture);
  object.Set("parameters", static_cast<double>(model_info.parameters));
  object.Set("sizeBytes", static_cast<double>(model_info.size_bytes));
  object.Set("trainContextSize", model_info.train_context_size);
  object.Set("layers", model_info.layers);
  object.Set("embeddingSize", model_info.embedding_size);
  object.Set("heads", model_info.heads);
  object.Set("headsKV", model_info.heads_kv);
  object.Set("slidingWindow", model_info.sliding_window);
  object.Set("hasEncoder", model_info.has_encoder);
  object.Set("hasDecoder", model_info.has_decoder);
  object.Set("encoderDecoder", model_info.encoder_decoder);
  object.Set("decoderStart", model_info.decoder_start);
  object.Set("recurrent", model_info.recurrent);
  object.Set("hybrid", model_info.hybrid);
  object.Set("diffusion", model_info.diffusion);
  object.Set("vocabOnly", model_info.vocab_only);
  object.Set("rope", model_info.has_rope);
  object.Set("ropeFrequencyBaseTrain", static_cast<double>(model_info.rope_frequency_base));
  object.Set("ropeFrequencyScaleTrain", static_cast<double>(model_info.rope_frequency_scale));
  object.Set("ropeScalingTrain", model_info.rope_scaling);
  object.Set("gpuLayers", model_info.gpu_layers);
  object.Set("chatTemplate",
             model_info.has_chat_template ? Napi::String::New(env, model_info.chat_template) : env.Undefined());
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
  // This may be the last reference, and freeing gigabytes takes time: do it on the engine thread.
  auto holder = std::make_shared<std::shared_ptr<Model>>(std::move(model_));
  model_.reset();
  auto work = [holder]() -> Result<Nothing> {
    holder->reset();
    return Nothing{};
  };
  return Job<Nothing>::Start(env, Value(), thread_, std::move(work), ToUndefined);
}

}  // namespace autocog
