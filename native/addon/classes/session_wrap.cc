// See session_wrap.h. Above each method: its TypeScript signature and the
// llama.h calls behind it.

#include "addon/classes/session_wrap.h"

#include <string>
#include <utility>

#include "addon/classes/model_wrap.h"
#include "addon/environment.h"
#include "addon/values/errors.h"
#include "addon/values/options.h"
#include "addon/values/values.h"

namespace autocog {

namespace {

struct Created {
  std::shared_ptr<JobThread> thread;
  std::shared_ptr<std::unique_ptr<Session>> session;
  ContextOptions options;
};

// Arguments 1 to 4 of scoreTree and searchTree.
std::optional<TreeRequest> ReadTree(const Napi::CallbackInfo& info) {
  auto tokens = ReadInt32s(info, 1);
  auto parents = tokens ? ReadInt32s(info, 2) : std::nullopt;
  auto flags = parents ? ReadBytes(info, 3) : std::nullopt;
  auto end_tokens = flags ? ReadInt32s(info, 4) : std::nullopt;
  if (!end_tokens) return std::nullopt;
  TreeRequest request;
  request.tokens = std::move(*tokens);
  request.parents = std::move(*parents);
  request.flags = std::move(*flags);
  request.end_tokens = std::move(*end_tokens);
  return request;
}

}  // namespace

bool SessionWrap::Install(Napi::Env env) {
  Napi::Function constructor = DefineClass(
      env, "NativeSession",
      {InstanceMethod<&SessionWrap::Info>("info"), InstanceMethod<&SessionWrap::Eval>("eval"),
       InstanceMethod<&SessionWrap::LogProbs>("logprobs"), InstanceMethod<&SessionWrap::Candidates>("candidates"),
       InstanceMethod<&SessionWrap::ScoreTree>("scoreTree"), InstanceMethod<&SessionWrap::SearchTree>("searchTree"),
       InstanceMethod<&SessionWrap::Generate>("generate"), InstanceMethod<&SessionWrap::GenerateMany>("generateMany"),
       InstanceMethod<&SessionWrap::SearchBeams>("searchBeams"),
       InstanceMethod<&SessionWrap::SearchThoughts>("searchThoughts"), InstanceMethod<&SessionWrap::Ingest>("ingest"),
       InstanceMethod<&SessionWrap::Clear>("clear"), InstanceMethod<&SessionWrap::SaveState>("saveState"),
       InstanceMethod<&SessionWrap::LoadState>("loadState"), InstanceMethod<&SessionWrap::SetAdapters>("setAdapters"),
       InstanceMethod<&SessionWrap::SetControlVector>("setControlVector"),
       InstanceMethod<&SessionWrap::Close>("close")});
  if (constructor.IsEmpty()) return false;
  Environment::Get(env)->session_class = Napi::Persistent(constructor);
  return true;
}

// createSession(model: NativeModel, options: NativeSessionOptions): Promise<NativeSession>
// llama_init_from_model
Napi::Value SessionWrap::Create(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto model = ModelWrap::From(info, 0);
  auto object = model ? ReadObject(info, 1) : std::nullopt;
  if (!object) return env.Undefined();
  ContextOptions options = ReadContextOptions(*object);
  const int prompt_slots = IntField(*object, "promptSlots");
  if (env.IsExceptionPending()) return env.Undefined();
  auto thread = Environment::Get(env)->NewThread();
  auto work = [thread, model = std::move(model), options, prompt_slots]() mutable -> Result<Created> {
    auto session = Session::Create(std::move(model), options, prompt_slots);
    if (!session.ok()) return session.status();
    return Created{thread, std::make_shared<std::unique_ptr<Session>>(std::move(session.value())), options};
  };
  return Job<Created>::Start(
      env, Napi::Object::New(env), thread, std::move(work), [](Napi::Env env, Created& created) -> Napi::Value {
        return Environment::Get(env)->session_class.New({Napi::External<Created>::New(env, &created)});
      });
}

SessionWrap::SessionWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionWrap>(info) {
  Napi::Env env = info.Env();
  if (!info[0].IsExternal()) {
    Napi::TypeError::New(env, "Sessions are created by createSession").ThrowAsJavaScriptException();
    return;
  }
  auto* created = info[0].As<Napi::External<Created>>().Data();
  thread_ = std::move(created->thread);
  session_ = std::move(created->session);
  Environment::Get(env)->Add(this);
  // The thread is idle now, so its session can be accessed from here.
  const Context& context = (*session_)->context();
  Napi::Object properties = Napi::Object::New(env);
  properties.Set("contextSize", context.context_size());
  properties.Set("batchSize", context.max_tokens());
  properties.Set("microBatchSize", context.micro_batch());
  properties.Set("maxSequences", context.max_sequences());
  properties.Set("promptSlots", (*session_)->prompt_slots());
  properties.Set("threads", created->options.threads);
  properties.Set("threadsBatch", created->options.threads_batch);
  properties.Set("maxRows", context.max_rows());
  properties.Set("flashAttention", context.flash_attention());
  properties.Set("cacheBytes", static_cast<double>(context.cache_bytes()));
  info_ = Napi::Persistent(properties);
  CountMemory(env, context.cache_bytes());
}

SessionWrap::~SessionWrap() {
  Environment::Get(Env())->Remove(this);
  // A pending job would keep this object alive (rule 2), so the thread is idle and joins at once.
  if (thread_) thread_->Join();
  if (counted_bytes_ != 0) CountMemory(Env(), -counted_bytes_);
}

// Without this, the garbage collector sees only the size of the JavaScript object and has no reason
// to collect an unreachable session.
void SessionWrap::CountMemory(Napi::Env env, int64_t bytes) {
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  counted_bytes_ += bytes;
}

Napi::Value SessionWrap::SubmitTree(Napi::Env env, CancelFlag flag, Tokens prompt, TreeRequest request,
                                    std::optional<SearchRequest> search) {
  return Submit<TreeScores>(
      env, std::move(flag),
      [prompt = std::move(prompt), request = std::move(request), search = std::move(search)](
          Session& session, const Cancellation& cancellation) mutable {
        return session.ScoreTree(prompt, std::move(request), search, cancellation);
      },
      kUsageField,
      [](Napi::Env env, TreeScores& scores) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("logprobs", FromDoubles(env, scores.logprobs));
        object.Set("ends", FromDoubles(env, scores.ends));
        object.Set("entropies", FromDoubles(env, scores.details.entropies));
        object.Set("bestTokens", FromInt32s(env, scores.details.best_tokens));
        object.Set("bestLogprobs", FromDoubles(env, scores.details.best_logprobs));
        object.Set("ranks", FromInt32s(env, scores.details.ranks));
        object.Set("usage", FromUsage(env, scores.usage));
        return object;
      });
}

// info(): NativeSessionInfo
// llama_n_ctx, llama_n_batch, llama_n_ubatch
Napi::Value SessionWrap::Info(const Napi::CallbackInfo&) { return info_.Value(); }

// eval(prompt, continuation, rows: Int32Array, cancellation): Promise<NativeEval>
// llama_encode, llama_decode, llama_get_logits_ith, llama_memory_seq_rm, llama_memory_seq_cp
Napi::Value SessionWrap::Eval(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto prompt = ReadInt32s(info, 0);
  auto continuation = prompt ? ReadInt32s(info, 1) : std::nullopt;
  auto rows = continuation ? ReadInt32s(info, 2) : std::nullopt;
  auto flag = rows ? ReadCancellation(info, 3) : std::nullopt;
  if (!flag) return env.Undefined();
  return Submit<Rows>(
      env, std::move(*flag),
      [prompt = std::move(*prompt), continuation = std::move(*continuation), rows = std::move(*rows)](
          Session& session, const Cancellation& cancellation) {
        return session.Eval(prompt, continuation, rows, cancellation);
      },
      kUsageField,
      [](Napi::Env env, Rows& rows) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("logits", FromFloats(env, std::move(rows.values)));
        object.Set("usage", FromUsage(env, rows.usage));
        return object;
      });
}

// logprobs(prompt: Int32Array, cancellation): Promise<{ logprobs: Float32Array; usage }>
// llama_decode, llama_get_logits_ith
Napi::Value SessionWrap::LogProbs(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto prompt = ReadInt32s(info, 0);
  auto flag = prompt ? ReadCancellation(info, 1) : std::nullopt;
  if (!flag) return env.Undefined();
  return Submit<Rows>(
      env, std::move(*flag),
      [prompt = std::move(*prompt)](Session& session, const Cancellation& cancellation) {
        return session.LogProbs(prompt, cancellation);
      },
      kUsageField,
      [](Napi::Env env, Rows& rows) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("logprobs", FromFloats(env, std::move(rows.values)));
        object.Set("usage", FromUsage(env, rows.usage));
        return object;
      });
}

// candidates(prompt: Int32Array, count: number, cancellation): Promise<NativeCandidates>
// llama_decode, llama_get_logits_ith
Napi::Value SessionWrap::Candidates(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto prompt = ReadInt32s(info, 0);
  auto count = prompt ? ReadInt(info, 1) : std::nullopt;
  auto flag = count ? ReadCancellation(info, 2) : std::nullopt;
  if (!flag) return env.Undefined();
  return Submit<autocog::Candidates>(
      env, std::move(*flag),
      [prompt = std::move(*prompt), count = *count](Session& session, const Cancellation& cancellation) {
        return session.TopCandidates(prompt, count, cancellation);
      },
      kUsageField,
      [](Napi::Env env, autocog::Candidates& candidates) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("tokens", FromInt32s(env, candidates.tokens));
        object.Set("logprobs", FromDoubles(env, candidates.logprobs));
        object.Set("usage", FromUsage(env, candidates.usage));
        return object;
      });
}

// scoreTree(prompt, tokens, parents: Int32Array, flags: Uint8Array, endTokens: Int32Array,
//           sequential: boolean, details: boolean, cancellation): Promise<NativeTreeScores>
// llama_memory_seq_cp, llama_decode, llama_get_logits_ith, llama_memory_seq_rm
Napi::Value SessionWrap::ScoreTree(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto prompt = ReadInt32s(info, 0);
  auto tree = prompt ? ReadTree(info) : std::nullopt;
  auto sequential = tree ? ReadBool(info, 5) : std::nullopt;
  auto details = sequential ? ReadBool(info, 6) : std::nullopt;
  auto flag = details ? ReadCancellation(info, 7) : std::nullopt;
  if (!flag) return env.Undefined();
  tree->sequential = *sequential;
  tree->details = *details;
  return SubmitTree(env, std::move(*flag), std::move(*prompt), std::move(*tree), std::nullopt);
}

// searchTree(prompt, tokens, parents: Int32Array, flags: Uint8Array, endTokens: Int32Array,
//            details: boolean, nodes: Int32Array, lengths, offsets: Float64Array,
//            copies: Int32Array, top: number, tolerance: number, cancellation): Promise<NativeTreeScores>
// llama_memory_seq_cp, llama_decode, llama_get_logits_ith, llama_memory_seq_rm
Napi::Value SessionWrap::SearchTree(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto prompt = ReadInt32s(info, 0);
  auto tree = prompt ? ReadTree(info) : std::nullopt;
  auto details = tree ? ReadBool(info, 5) : std::nullopt;
  auto nodes = details ? ReadInt32s(info, 6) : std::nullopt;
  auto lengths = nodes ? ReadDoubles(info, 7) : std::nullopt;
  auto offsets = lengths ? ReadDoubles(info, 8) : std::nullopt;
  auto copies = offsets ? ReadInt32s(info, 9) : std::nullopt;
  auto top = copies ? ReadInt(info, 10) : std::nullopt;
  auto tolerance = top ? ReadNumber(info, 11) : std::nullopt;
  auto flag = tolerance ? ReadCancellation(info, 12) : std::nullopt;
  if (!flag) return env.Undefined();
  tree->details = *details;
  SearchRequest search{std::move(*nodes), std::move(*lengths), std::move(*offsets), std::move(*copies), *top,
                       *tolerance};
  return SubmitTree(env, std::move(*flag), std::move(*prompt), std::move(*tree), std::move(search));
}

// ingest(prompt: Int32Array, cancellation): Promise<NativeUsage>
// llama_decode
Napi::Value SessionWrap::Ingest(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto prompt = ReadInt32s(info, 0);
  auto flag = prompt ? ReadCancellation(info, 1) : std::nullopt;
  if (!flag) return env.Undefined();
  return Submit<Usage>(
      env, std::move(*flag),
      [prompt = std::move(*prompt)](Session& session, const Cancellation& cancellation) {
        return session.Ingest(prompt, cancellation);
      },
      [](Usage& usage) -> Usage& { return usage; }, [](Napi::Env env, Usage& usage) { return FromUsage(env, usage); });
}

// clear(): Promise<void>
// llama_memory_seq_rm
Napi::Value SessionWrap::Clear(const Napi::CallbackInfo& info) {
  auto run = [session = session_, thread = thread_.get()]() -> Result<Nothing> {
    const Cancellation cancellation(thread, nullptr);
    if (cancellation.requested()) return cancellation.status();
    if (Status status = (*session)->Clear(); !status.ok()) return status;
    return Nothing{};
  };
  return Job<Nothing>::Start(info.Env(), Value(), thread_, std::move(run), ToUndefined);
}

// close(): Promise<void>
// llama_free
Napi::Value SessionWrap::Close(const Napi::CallbackInfo& info) {
  // The running job notices this inside its decode; queued jobs fail when they start.
  thread_->Stop();
  CountMemory(info.Env(), -counted_bytes_);
  auto run = [session = session_]() -> Result<Nothing> {
    session->reset();
    return Nothing{};
  };
  return Job<Nothing>::Start(info.Env(), Value(), thread_, std::move(run), ToUndefined);
}

}  // namespace autocog
