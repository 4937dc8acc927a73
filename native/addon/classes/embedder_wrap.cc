// See embedder_wrap.h. Above each method: its TypeScript signature and the
// llama.h calls behind it.

#include "addon/classes/embedder_wrap.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "addon/classes/model_wrap.h"
#include "addon/job.h"
#include "addon/values/options.h"
#include "addon/values/values.h"

namespace autocog {

namespace {

struct Created {
  std::shared_ptr<JobThread> thread;
  std::shared_ptr<std::unique_ptr<Embedder>> embedder;
};

// Splits concatenated tokens into texts of the given lengths; nullopt if these do not add up.
std::optional<std::vector<Tokens>> Split(const Tokens& tokens, const std::vector<int32_t>& lengths) {
  std::vector<Tokens> texts;
  texts.reserve(lengths.size());
  auto next = tokens.begin();
  for (int32_t length : lengths) {
    if (length < 0 || length > tokens.end() - next) return std::nullopt;
    texts.emplace_back(next, next + length);
    next += length;
  }
  if (next != tokens.end()) return std::nullopt;
  return texts;
}

}  // namespace

bool EmbedderWrap::Install(Napi::Env env) {
  Napi::Function constructor =
      DefineClass(env, "NativeEmbedder",
                  {InstanceMethod<&EmbedderWrap::Info>("info"), InstanceMethod<&EmbedderWrap::Embed>("embed"),
                   InstanceMethod<&EmbedderWrap::Close>("close")});
  if (constructor.IsEmpty()) return false;
  Environment::Get(env)->embedder_class = Napi::Persistent(constructor);
  return true;
}

// createEmbedder(model: NativeModel, options: NativeSessionOptions, pooling: string): Promise<NativeEmbedder>
// llama_init_from_model, gguf_init_from_file
Napi::Value EmbedderWrap::Create(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto model = ModelWrap::From(info, 0);
  auto object = model ? ReadObject(info, 1) : std::nullopt;
  auto pooling = object ? ReadString(info, 2) : std::nullopt;
  if (!pooling) return env.Undefined();
  ContextOptions options = ReadContextOptions(*object);
  if (env.IsExceptionPending()) return env.Undefined();
  auto thread = Environment::Get(env)->NewThread();
  auto work = [thread, model = std::move(model), options, pooling = std::move(*pooling)]() mutable -> Result<Created> {
    auto embedder = Embedder::Create(std::move(model), options, pooling);
    if (!embedder.ok()) return embedder.status();
    return Created{thread, std::make_shared<std::unique_ptr<Embedder>>(std::move(embedder.value()))};
  };
  return Job<Created>::Start(
      env, Napi::Object::New(env), thread, std::move(work), [](Napi::Env env, Created& created) -> Napi::Value {
        return Environment::Get(env)->embedder_class.New({Napi::External<Created>::New(env, &created)});
      });
}

EmbedderWrap::EmbedderWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EmbedderWrap>(info) {
  Napi::Env env = info.Env();
  if (!info[0].IsExternal()) {
    Napi::TypeError::New(env, "Embedders are created by createEmbedder").ThrowAsJavaScriptException();
    return;
  }
  auto* created = info[0].As<Napi::External<Created>>().Data();
  thread_ = std::move(created->thread);
  embedder_ = std::move(created->embedder);
  Environment::Get(env)->Add(this);
  // The thread is idle now, so its embedder can be accessed from here.
  const Embedder& embedder = **embedder_;
  Napi::Object properties = Napi::Object::New(env);
  properties.Set("pooling", PoolingName(embedder.pooling()));
  properties.Set("size", embedder.size());
  properties.Set("contextSize", embedder.context_size());
  properties.Set("batchSize", embedder.batch_size());
  properties.Set("maxSequences", embedder.max_sequences());
  Napi::Array labels = Napi::Array::New(env, embedder.labels().size());
  uint32_t index = 0;
  for (const std::string& label : embedder.labels()) labels.Set(index++, label);
  properties.Set("labels", labels);
  info_ = Napi::Persistent(properties);
  CountMemory(env, embedder.cache_bytes());
}

EmbedderWrap::~EmbedderWrap() {
  Environment::Get(Env())->Remove(this);
  // A pending job would keep this object alive (rule 2), so the thread is idle and joins at once.
  if (thread_) thread_->Join();
  if (counted_bytes_ != 0) CountMemory(Env(), -counted_bytes_);
}

void EmbedderWrap::CountMemory(Napi::Env env, int64_t bytes) {
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  counted_bytes_ += bytes;
}

// info(): NativeEmbedderInfo
// llama_model_n_embd_out, llama_model_n_cls_out, llama_model_cls_label
Napi::Value EmbedderWrap::Info(const Napi::CallbackInfo&) { return info_.Value(); }

// embed(tokens: Int32Array, lengths: Int32Array, norm: number, cancellation): Promise<NativeEmbeddings>
// llama_encode, llama_decode, llama_get_embeddings_ith, llama_get_embeddings_seq, llama_memory_clear
Napi::Value EmbedderWrap::Embed(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto tokens = ReadInt32s(info, 0);
  auto lengths = tokens ? ReadInt32s(info, 1) : std::nullopt;
  auto norm = lengths ? ReadNumber(info, 2) : std::nullopt;
  auto flag = norm ? ReadCancellation(info, 3) : std::nullopt;
  if (!flag) return env.Undefined();
  auto run = [embedder = embedder_, thread = thread_.get(), flag = std::move(*flag), tokens = std::move(*tokens),
              lengths = std::move(*lengths), norm = *norm,
              queued = std::chrono::steady_clock::now()]() -> Result<Embeddings> {
    const Cancellation cancellation(thread, flag);
    if (cancellation.requested()) return cancellation.status();
    const double queue_ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - queued).count();
    auto texts = Split(tokens, lengths);
    if (!texts) return Status(Code::kInvalidArgument, "Expected lengths that add up to the number of tokens");
    auto result = (*embedder)->Embed(*texts, norm, cancellation);
    if (result.ok()) result.value().usage.queue_ms = queue_ms;
    return result;
  };
  return Job<Embeddings>::Start(env, Value(), thread_, std::move(run),
                                [](Napi::Env env, Embeddings& embeddings) -> Napi::Value {
                                  Napi::Object object = Napi::Object::New(env);
                                  object.Set("values", FromFloats(env, std::move(embeddings.values)));
                                  object.Set("usage", FromUsage(env, embeddings.usage));
                                  return object;
                                });
}

// close(): Promise<void>
// llama_free
Napi::Value EmbedderWrap::Close(const Napi::CallbackInfo& info) {
  // The running job notices this inside its decode; queued jobs fail when they start.
  thread_->Stop();
  CountMemory(info.Env(), -counted_bytes_);
  auto run = [embedder = embedder_]() -> Result<Nothing> {
    embedder->reset();
    return Nothing{};
  };
  return Job<Nothing>::Start(info.Env(), Value(), thread_, std::move(run), ToUndefined);
}

}  // namespace autocog
