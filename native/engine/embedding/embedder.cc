// See embedder.h. llama.cpp pools here only where a model's head comes after that: its own mean
// is a product over all tokens of a batch, and depends on the other texts in it.

#include "engine/embedding/embedder.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "engine/common/assertion.h"
#include "engine/common/backend.h"
#include "engine/common/log.h"
#include "engine/model/memory.h"

namespace autocog {

namespace {

// Tokens of one decode where the caller does not say: more gain nothing on a CPU.
constexpr int kUsualBatch = 512;
constexpr int kLeastUsualBatch = 32;

// Architectures, by llama.cpp's names for them, that it embeds with in ways that end the process
// or mean nothing. `npm run test:oracles` tries every architecture that there is.
constexpr std::pair<const char*, const char*> kUnfit[] = {
    {"arwkv7", "llama.cpp gives no embeddings of it"},
    {"deepseek4", "llama.cpp reads embeddings of another shape than it has"},
    {"qwen4exp", "llama.cpp reads embeddings of another shape than it has"},
    {"rwkv6qwen2", "llama.cpp gives no embeddings of it"},
    {"wavtokenizer-dec", "it makes sound of all the tokens of a batch, whichever text they are of"},
};

// Why a model cannot embed here; empty where it can.
std::string WhyNot(const ModelInfo& info) {
  if (info.vocab_only) return "it was loaded with vocabOnly, so it has no weights";
  if (info.has_encoder && info.has_decoder) return "its encoder is there for its decoder alone";
  for (const auto& [architecture, reason] : kUnfit) {
    if (info.architecture == architecture) return reason;
  }
  return {};
}

Status Refusal(const std::string& reason) { return Status(Code::kNotSupported, "This model cannot embed: " + reason); }

// llama.cpp hands out logits with every embedding, wanted or not.
double RowBytes(const Model& model) { return static_cast<double>(model.vocabulary().size()) * sizeof(float); }

// kOutOfMemory where one decode of so many tokens, each of which sees all, needs more memory than
// there is at all.
Status CheckBatchFits(const Model& model, int tokens) {
  double memory = 0;
  for (const Device& device : Devices()) memory += static_cast<double>(device.memory_total);
  const double attention = static_cast<double>(model.info().heads) * tokens * tokens * sizeof(float);
  if (memory == 0 || attention + RowBytes(model) * tokens <= memory) return Status::Ok();
  return Status(Code::kOutOfMemory, "A text of " + std::to_string(tokens) +
                                        " tokens, which this model sees at once, needs more than all memory of "
                                        "this machine");
}

// Heads that read a text's last token. The others read its first, or all.
bool RanksByLast(const ModelInfo& info) { return info.architecture == "qwen3" || info.architecture == "qwen3vl"; }

// Runs what may throw, with llama.cpp's assertions as exceptions.
template <typename T, typename Work>
Result<T> Guard(const char* what, const Work& work) {
  LogCapture log;
  AssertionGuard guard;
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, std::string("Not enough memory for ") + what, log.text());
  } catch (const std::exception& error) {
    return Status(Code::kInternal, std::string("llama.cpp failed to make ") + what, error.what());
  }
}

Status CheckOptions(const Model& model, const ContextOptions& options) {
  if (std::string reason = WhyNot(model.info()); !reason.empty()) return Refusal(reason);
  if (model.vocabulary().size() < 1) return Refusal("it has an empty vocabulary");
  const int most = static_cast<int>(llama_max_parallel_sequences());
  if (options.max_sequences < 1 || options.max_sequences > most) {
    return Status(Code::kOutOfRange, "Expected 1 to " + std::to_string(most) + " for maxSequences, got " +
                                         std::to_string(options.max_sequences));
  }
  ContextOptions others = options;
  others.max_sequences = most;
  if (Status status = CheckContextOptions(others); !status.ok()) return status;
  const int known = model.info().train_context_size;
  if (HasPositionTable(model.info()) && options.context_size > known) {
    return Status(Code::kOutOfRange, "Expected at most " + std::to_string(known) +
                                         ", the positions that this model knows, for contextSize, got " +
                                         std::to_string(options.context_size));
  }
  return Status::Ok();
}

Result<llama_context_params> ToParams(const Model& model, const ContextOptions& options, int tokens, Pooling pooling) {
  auto type_k = CacheType(options.kv_type_k);
  if (!type_k.ok()) return type_k.status();
  auto type_v = CacheType(options.kv_type_v);
  if (!type_v.ok()) return type_v.status();
  llama_context_params params = llama_context_default_params();
  // One cell more than a text takes, for padding.
  params.n_ctx = static_cast<uint32_t>(std::max(options.context_size, tokens)) + 1;
  // Attention that looks ahead needs its text in one micro-batch, and every token gives a row.
  params.n_batch = params.n_ubatch = params.n_outputs_max = static_cast<uint32_t>(tokens);
  params.kv_unified = true;
  params.n_seq_max = 1;
  params.n_threads = params.n_threads_batch = options.threads;
  params.flash_attn_type = options.flash_attention;
  params.type_k = type_k.value();
  params.type_v = type_v.value();
  params.offload_kqv = options.offload_kqv;
  params.rope_freq_base = options.rope_frequency_base;
  params.rope_freq_scale = options.rope_frequency_scale;
  params.attention_type = model.info().causal ? LLAMA_ATTENTION_TYPE_CAUSAL : LLAMA_ATTENTION_TYPE_NON_CAUSAL;
  params.embeddings = true;
  params.pooling_type = pooling == Pooling::kRank ? LLAMA_POOLING_TYPE_RANK : LLAMA_POOLING_TYPE_NONE;
  params.swa_full = true;
  params.no_perf = true;
  return params;
}

}  // namespace

Result<std::unique_ptr<Embedder>> Embedder::Create(std::shared_ptr<Model> model, ContextOptions options,
                                                   const std::string& pooling_name) {
  using Made = std::unique_ptr<Embedder>;
  return Guard<Made>("the context", [&]() -> Result<Made> {
    if (options.batch_size == 0) {
      const double rows = static_cast<double>(options.logits_budget) / RowBytes(*model);
      options.batch_size = static_cast<int>(std::clamp<double>(rows, kLeastUsualBatch, kUsualBatch));
    }
    if (Status status = CheckOptions(*model, options); !status.ok()) return status;
    auto pooling = ChoosePooling(*model, pooling_name);
    if (!pooling.ok()) return pooling.status();
    ClassifierHead head;
    if (pooling.value() == Pooling::kRank) {
      auto found = FindClassifierHead(*model);
      if (!found.ok()) return found.status();
      head = std::move(found.value());
    }
    // What looks ahead has to see its text at once, and so has a head that reads its first token.
    bool whole = !model->info().causal || (pooling.value() == Pooling::kRank && !RanksByLast(model->info()));
    for (;;) {
      const int tokens = std::max(2, whole ? std::max(options.batch_size, options.context_size) : options.batch_size);
      if (Status status = CheckBatchFits(*model, whole ? tokens : 0); !status.ok()) return status;
      auto params = ToParams(*model, options, tokens, pooling.value());
      if (!params.ok()) return params.status();
      const auto& [type_k, type_v] = std::pair(params.value().type_k, params.value().type_v);
      const int cells = std::max(options.context_size, tokens);
      if (Status status = CheckCacheFits(model->info(), whole ? 0 : cells, type_k, type_v); !status.ok()) {
        return status;
      }
      LogCapture log;
      llama_context* context = llama_init_from_model(model->raw(), params.value());
      if (context == nullptr) {
        return Status(Code::kInvalidArgument, "llama.cpp refuses to make a context with these options", log.text());
      }
      if (llama_get_memory(context) != nullptr || whole) {
        Made made(new Embedder(std::move(model), context, options, pooling.value(), std::move(head)));
        if (made->memory_ != nullptr) {
          made->cache_bytes_ = static_cast<int64_t>(CacheBytes(made->model().info(), cells, type_k, type_v));
        }
        return made;
      }
      // A model without memory looks ahead, whatever its file says.
      llama_free(context);
      whole = true;
    }
  });
}

Embedder::Embedder(std::shared_ptr<Model> model, llama_context* context, const ContextOptions& options, Pooling pooling,
                   ClassifierHead head)
    : model_(std::move(model)),
      pool_(options.threads),
      context_(context),
      memory_(llama_get_memory(context)),
      pooling_(pooling),
      head_(std::move(head)),
      size_(pooling == Pooling::kRank ? head_.outputs : llama_model_n_embd_out(model_->raw())),
      context_size_(options.context_size),
      batch_size_(options.batch_size),
      // A recurrent memory holds as many sequences as it was made for.
      max_sequences_(model_->info().recurrent || model_->info().hybrid ? 1 : options.max_sequences),
      most_tokens_(static_cast<int>(llama_n_batch(context))),
      pads_(!model_->info().recurrent && !model_->info().hybrid),
      pooler_(pooling == Pooling::kRank ? Pooling::kNone : pooling, size_) {
  llama_set_abort_callback(context_, OnAbort, this);
  llama_attach_threadpool(context_, pool_.raw(), nullptr);
}

Embedder::~Embedder() {
  llama_free(context_);
  ReturnFreedMemory();
}

bool Embedder::OnAbort(void* self) {
  const Cancellation* running = static_cast<Embedder*>(self)->running_;
  return running != nullptr && running->requested();
}

Status Embedder::Check(const std::vector<Tokens>& texts, double norm) const {
  if (!(norm < 0 || norm == 0 || norm >= 1)) {
    return Status(Code::kOutOfRange, "Expected a norm of at least 1 for normalize, got " + std::to_string(norm));
  }
  for (const Tokens& text : texts) {
    if (text.empty()) return Status(Code::kOutOfRange, "Expected at least one token for a text, got none");
    if (Status status = model_->vocabulary().Check(text); !status.ok()) return status;
    if (text.size() > static_cast<size_t>(context_size_)) {
      return Status(Code::kContextOverflow, "The text of " + std::to_string(text.size()) +
                                                " tokens does not fit the context of " + std::to_string(context_size_) +
                                                " tokens");
    }
  }
  return Status::Ok();
}

size_t Embedder::CountTogether(const std::vector<Tokens>& texts, size_t first) const {
  size_t count = 1;
  size_t tokens = texts[first].size();
  while (first + count < texts.size() && count < static_cast<size_t>(max_sequences_)) {
    tokens += texts[first + count].size();
    if (tokens > static_cast<size_t>(batch_size_)) break;
    ++count;
  }
  return count;
}

Result<Embeddings> Embedder::Embed(const std::vector<Tokens>& texts, double norm, const Cancellation& cancellation) {
  try {
    if (Status status = Check(texts, norm); !status.ok()) return status;
    Embeddings result;
    for (size_t first = 0; first < texts.size();) {
      const size_t count = CountTogether(texts, first);
      Forget(false);
      Status status = EmbedSome(texts, first, count, norm, cancellation, &result);
      if (!status.ok()) {
        // What is not finite would go on in later texts, even times zero.
        Forget(true);
        return status;
      }
      first += count;
    }
    return result;
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory for the result");
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The engine failed", error.what());
  }
}

Status Embedder::EmbedSome(const std::vector<Tokens>& texts, size_t first, size_t count, double norm,
                           const Cancellation& cancellation, Embeddings* result) {
  const int sequences = static_cast<int>(count);
  std::vector<int> done(count, 0);
  // One round, but for a text alone that is longer than a batch.
  for (bool more = true; more;) {
    batch_.Clear();
    std::vector<int> starts;
    more = false;
    for (int i = 0; i < sequences; ++i) {
      const Tokens& text = texts[first + static_cast<size_t>(i)];
      const int length = static_cast<int>(text.size());
      starts.push_back(batch_.size());
      int position = done[static_cast<size_t>(i)];
      for (; position < length && batch_.size() < most_tokens_; ++position) {
        batch_.Add(text[static_cast<size_t>(position)], position, i, true);
      }
      more = more || position < length;
    }
    const int wanted = batch_.size();
    // A batch of one token takes kernels of its own.
    if (wanted == 1 && pads_) {
      batch_.Add(0, 0, sequences, true);
      ++result->usage.padding_tokens;
    }
    if (Status status = Decode(cancellation, &result->usage); !status.ok()) return status;
    result->usage.prompt_tokens += wanted;
    result->usage.decoded_tokens += wanted;
    Stopwatch watch(&result->usage.read_ms);
    starts.push_back(wanted);
    for (int i = 0; i < sequences; ++i) {
      const int start = starts[static_cast<size_t>(i)];
      const int taken = starts[static_cast<size_t>(i) + 1] - start;
      done[static_cast<size_t>(i)] += taken;
      if (Status status = Read(i, start, taken, !more, norm, result); !status.ok()) return status;
    }
    if (wanted == 1 && pads_ && memory_ != nullptr) llama_memory_seq_rm(memory_, sequences, 0, -1);
  }
  return Status::Ok();
}

Status Embedder::Decode(const Cancellation& cancellation, Usage* usage) {
  if (cancellation.requested()) return cancellation.status();
  Stopwatch watch(&usage->decode_ms);
  LogCapture log;
  int32_t code;
  std::string failure;
  running_ = &cancellation;
  try {
    code = memory_ == nullptr ? llama_encode(context_, batch_.View()) : llama_decode(context_, batch_.View());
    llama_synchronize(context_);
  } catch (const std::exception& error) {
    code = -4;
    failure = error.what();
  }
  running_ = nullptr;
  if (code == 0) {
    ++usage->decode_calls;
    return Status::Ok();
  }
  if (cancellation.requested()) return cancellation.status();
  if (failure.empty()) failure = log.text();
  if (code == -2) return Status(Code::kOutOfMemory, "llama.cpp could not allocate memory for a batch", failure);
  return Status(Code::kDecodeFailed, "llama.cpp failed to embed, with code " + std::to_string(code), failure);
}

Status Embedder::Read(int sequence, int start, int count, bool ends, double norm, Embeddings* result) {
  const Status missing(Code::kInternal, "llama.cpp gave no embedding");
  const Status odd(Code::kDecodeFailed, "The model gave an embedding that is not finite");
  if (pooling_ == Pooling::kRank) {
    if (!ends) return Status::Ok();
    const float* outputs = llama_get_embeddings_seq(context_, sequence);
    if (outputs == nullptr) return missing;
    pooler_.Add(outputs);
    return pooler_.Finish(-1, &result->values) ? Status::Ok() : odd;
  }
  for (int i = start; i < start + count; ++i) {
    const float* row = llama_get_embeddings_ith(context_, i);
    if (row == nullptr) return missing;
    pooler_.Add(row);
    if (pooling_ == Pooling::kNone && !pooler_.Finish(norm, &result->values)) return odd;
  }
  if (pooling_ == Pooling::kNone || !ends) return Status::Ok();
  return pooler_.Finish(norm, &result->values) ? Status::Ok() : odd;
}

void Embedder::Forget(bool data) {
  if (memory_ != nullptr) llama_memory_clear(memory_, data);
  pooler_.Reset();
}

}  // namespace autocog
