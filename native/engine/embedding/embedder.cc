// See embedder.h. llama.cpp's own pooling is used only for rank models, whose head follows it: its mean
// is a matrix product over all tokens of the batch, so it would depend on the batch's other texts.

#include "engine/embedding/embedder.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "engine/common/assertion.h"
#include "engine/common/backend.h"
#include "engine/common/log.h"
#include "engine/context/cache_types.h"
#include "engine/model/graph_check.h"
#include "engine/model/memory.h"

namespace autocog {

namespace {

// Default batch size in tokens, if the logits budget allows: larger batches gain nothing on a CPU.
constexpr int kMaxDefaultBatch = 512;
constexpr int kMinDefaultBatch = 32;

// Architectures, by their llama.cpp names, whose embeddings in llama.cpp are meaningless or abort the
// process. `npm run test:oracles` tests every architecture.
constexpr std::pair<const char*, const char*> kUnsupported[] = {
    {"arwkv7", "llama.cpp returns no embeddings for it"},
    {"deepseek4", "llama.cpp reads embeddings of the wrong shape for it"},
    {"qwen4exp", "llama.cpp reads embeddings of the wrong shape for it"},
    {"rwkv6qwen2", "llama.cpp returns no embeddings for it"},
    {"wavtokenizer-dec", "it is an audio decoder, which mixes all tokens of a batch"},
};

// Why this model cannot embed; empty if it can.
std::string UnsupportedReason(const ModelInfo& info) {
  if (info.vocab_only) return "it was loaded with vocabOnly, so it has no weights";
  if (info.has_encoder && info.has_decoder) return "its encoder only serves its decoder";
  for (const auto& [architecture, reason] : kUnsupported) {
    if (info.architecture == architecture) return reason;
  }
  return {};
}

Status NotSupported(const std::string& reason) {
  return Status(Code::kNotSupported, "This model cannot embed: " + reason);
}

// llama.cpp outputs a row of logits with every embedding, even though it is not needed.
double RowBytes(const Model& model) { return static_cast<double>(model.vocabulary().size()) * sizeof(float); }

// kOutOfMemory if one decode of `tokens` tokens, each of which attends to all others, needs more memory
// than all devices have.
Status CheckBatchFits(const Model& model, int tokens) {
  double memory = 0;
  for (const Device& device : Devices()) memory += static_cast<double>(device.memory_total);
  const double attention = static_cast<double>(model.info().heads) * tokens * tokens * sizeof(float);
  if (memory == 0 || attention + RowBytes(model) * tokens <= memory) return Status::Ok();
  return Status(Code::kOutOfMemory, "A text of " + std::to_string(tokens) +
                                        " tokens, which this model must decode at once, needs more than this "
                                        "machine's memory");
}

// Whether the rank head reads a text's last token. Those of other models read the first one, or all.
bool RanksByLastToken(const ModelInfo& info) { return info.architecture == "qwen3" || info.architecture == "qwen3vl"; }

// Converts exceptions, and llama.cpp's assertions, to statuses.
template <typename T, typename Work>
Result<T> Guard(const char* what, const Work& work) {
  LogCapture log;
  AssertionGuard guard;
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, std::string("Not enough memory for ") + what, log.text());
  } catch (const std::exception& error) {
    return Status(Code::kInternal, std::string("llama.cpp failed to create ") + what, error.what());
  }
}

Status CheckOptions(const Model& model, const ContextOptions& options) {
  if (std::string reason = UnsupportedReason(model.info()); !reason.empty()) return NotSupported(reason);
  if (model.vocabulary().size() < 1) return NotSupported("it has an empty vocabulary");
  const int max_sequences = static_cast<int>(llama_max_parallel_sequences());
  if (options.max_sequences < 1 || options.max_sequences > max_sequences) {
    return Status(Code::kOutOfRange, "Expected 1 to " + std::to_string(max_sequences) + " for maxSequences, got " +
                                         std::to_string(options.max_sequences));
  }
  // The other options; embedders allow fewer sequences than contexts do.
  ContextOptions checked = options;
  checked.max_sequences = max_sequences;
  if (Status status = CheckContextOptions(checked); !status.ok()) return status;
  const int max_positions = model.info().train_context_size;
  if (!HasPositionTable(model.info()) || options.context_size <= max_positions) return Status::Ok();
  return Status(Code::kOutOfRange, "Expected at most " + std::to_string(max_positions) +
                                       ", the positions that this model knows, for contextSize, got " +
                                       std::to_string(options.context_size));
}

Result<llama_context_params> ToParams(const Model& model, const ContextOptions& options, int tokens, Pooling pooling) {
  auto types = ReadCacheTypes(model.info(), options.kv_type_k, options.kv_type_v);
  if (!types.ok()) return types.status();
  llama_context_params params = llama_context_default_params();
  // One more cell than the longest text, for padding.
  params.n_ctx = static_cast<uint32_t>(std::max(options.context_size, tokens)) + 1;
  // Bidirectional attention needs each text in one micro-batch, and every token outputs a row.
  params.n_batch = params.n_ubatch = params.n_outputs_max = static_cast<uint32_t>(tokens);
  params.kv_unified = true;
  params.n_seq_max = 1;
  params.n_threads = params.n_threads_batch = options.threads;
  params.flash_attn_type = options.flash_attention;
  params.type_k = types.value().k;
  params.type_v = types.value().v;
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
  using Created = std::unique_ptr<Embedder>;
  return Guard<Created>("the context", [&]() -> Result<Created> {
    if (options.batch_size == 0) {
      const double rows = static_cast<double>(options.logits_budget) / RowBytes(*model);
      options.batch_size = static_cast<int>(std::clamp<double>(rows, kMinDefaultBatch, kMaxDefaultBatch));
    }
    if (Status status = CheckOptions(*model, options); !status.ok()) return status;
    auto pooling = ChoosePooling(*model, pooling_name);
    if (!pooling.ok()) return pooling.status();
    Result<ClassifierHead> head = ClassifierHead();
    if (pooling.value() == Pooling::kRank) head = FindClassifierHead(*model);
    if (!head.ok()) return head.status();
    // Bidirectional models, and heads that read the first token, need each text in a single batch.
    bool whole = !model->info().causal || (pooling.value() == Pooling::kRank && !RanksByLastToken(model->info()));
    for (;;) {
      const int tokens = std::max(2, whole ? std::max(options.batch_size, options.context_size) : options.batch_size);
      if (Status status = CheckBatchFits(*model, whole ? tokens : 0); !status.ok()) return status;
      auto params = ToParams(*model, options, tokens, pooling.value());
      if (!params.ok()) return params.status();
      const auto& [type_k, type_v] = std::pair(params.value().type_k, params.value().type_v);
      const int cells = std::max(options.context_size, tokens);
      if (Status fits = CheckCacheFits(model->info(), whole ? 0 : cells, type_k, type_v); !fits.ok()) return fits;
      auto made = NewContext(*model, params.value());
      if (!made.ok()) return made.status();
      llama_context* context = made.value();
      if (llama_get_memory(context) != nullptr || whole) {
        Created created(new Embedder(std::move(model), context, options, pooling.value(), std::move(head.value())));
        if (created->memory_ != nullptr) {
          created->cache_bytes_ = static_cast<int64_t>(CacheBytes(created->model().info(), cells, type_k, type_v));
        }
        if (Status status = CheckEmbeddingGraphs(*created->model_, context); !status.ok()) return status;
        return created;
      }
      // A model without a KV cache is bidirectional, even if its metadata says otherwise: retry as such.
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
      // Recurrent memory holds only the number of sequences that it was created for.
      max_sequences_(model_->info().recurrent || model_->info().hybrid ? 1 : options.max_sequences),
      max_tokens_(static_cast<int>(llama_n_batch(context))),
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
  if (Status status = model_->CheckServers(); !status.ok()) return status;
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

size_t Embedder::CountInBatch(const std::vector<Tokens>& texts, size_t first) const {
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
      const size_t count = CountInBatch(texts, first);
      const size_t values = result.values.size();
      ClearMemory(false);
      Status status = EmbedBatch(texts, first, count, norm, cancellation, &result);
      // Non-finite values in the memory reach later texts, even multiplied by zero: try again without them.
      if (status.code() == Code::kDecodeFailed && has_old_cells_) {
        ClearMemory(true);
        result.values.resize(values);
        status = EmbedBatch(texts, first, count, norm, cancellation, &result);
      }
      if (!status.ok()) {
        ClearMemory(true);
        return status;
      }
      has_old_cells_ = true;
      first += count;
    }
    return result;
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory for the result");
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The engine failed", error.what());
  }
}

Status Embedder::EmbedBatch(const std::vector<Tokens>& texts, size_t first, size_t count, double norm,
                            const Cancellation& cancellation, Embeddings* result) {
  const int sequences = static_cast<int>(count);
  std::vector<int> done(count, 0);
  // A single iteration, except for a text that is longer than a batch.
  for (bool more = true; more;) {
    batch_.Clear();
    std::vector<int> starts;
    more = false;
    for (int i = 0; i < sequences; ++i) {
      const Tokens& text = texts[first + static_cast<size_t>(i)];
      const int length = static_cast<int>(text.size());
      starts.push_back(batch_.size());
      int position = done[static_cast<size_t>(i)];
      for (; position < length && batch_.size() < max_tokens_; ++position) {
        batch_.Add(text[static_cast<size_t>(position)], position, i, true);
      }
      more = more || position < length;
    }
    const int size = batch_.size();
    // Pad batches of one token, for which llama.cpp has different kernels.
    if (size == 1 && pads_) {
      batch_.Add(0, 0, sequences, true);
      ++result->usage.padding_tokens;
    }
    if (Status status = Decode(cancellation, &result->usage); !status.ok()) return status;
    result->usage.prompt_tokens += size;
    result->usage.decoded_tokens += size;
    Stopwatch watch(&result->usage.read_ms);
    starts.push_back(size);
    for (int i = 0; i < sequences; ++i) {
      const int start = starts[static_cast<size_t>(i)];
      const int count_read = starts[static_cast<size_t>(i) + 1] - start;
      done[static_cast<size_t>(i)] += count_read;
      if (Status status = Read(i, start, count_read, !more, norm, result); !status.ok()) return status;
    }
    if (size == 1 && pads_ && memory_ != nullptr) llama_memory_seq_rm(memory_, sequences, 0, -1);
  }
  return Status::Ok();
}

Status Embedder::Decode(const Cancellation& cancellation, Usage* usage) {
  if (cancellation.requested()) return cancellation.status();
  Stopwatch watch(&usage->decode_ms);
  LogCapture log;
  int32_t code = -4;
  std::string failure;
  running_ = &cancellation;
  try {
    code = memory_ == nullptr ? llama_encode(context_, batch_.View()) : llama_decode(context_, batch_.View());
    llama_synchronize(context_);
  } catch (const std::exception& error) {
    failure = error.what();
  }
  running_ = nullptr;
  if (Status status = model_->CheckServers(); !status.ok()) return status;
  if (code == 0) {
    ++usage->decode_calls;
    return Status::Ok();
  }
  if (cancellation.requested()) return cancellation.status();
  if (failure.empty()) failure = log.text();
  if (code == -2) return Status(Code::kOutOfMemory, "llama.cpp could not allocate memory for a batch", failure);
  return Status(Code::kDecodeFailed, "llama.cpp failed to embed, with code " + std::to_string(code), failure);
}

Status Embedder::Read(int sequence, int start, int count, bool is_end, double norm, Embeddings* result) {
  const Status missing(Code::kInternal, "llama.cpp returned no embedding");
  const Status not_finite(Code::kDecodeFailed, "The model returned a non-finite embedding");
  if (pooling_ == Pooling::kRank) {
    if (!is_end) return Status::Ok();
    const float* outputs = llama_get_embeddings_seq(context_, sequence);
    if (outputs == nullptr) return missing;
    pooler_.Add(outputs);
    return pooler_.Finish(-1, &result->values) ? Status::Ok() : not_finite;
  }
  for (int i = start; i < start + count; ++i) {
    const float* row = llama_get_embeddings_ith(context_, i);
    if (row == nullptr) return missing;
    pooler_.Add(row);
    if (pooling_ == Pooling::kNone && !pooler_.Finish(norm, &result->values)) return not_finite;
  }
  if (pooling_ == Pooling::kNone || !is_end) return Status::Ok();
  return pooler_.Finish(norm, &result->values) ? Status::Ok() : not_finite;
}

void Embedder::ClearMemory(bool data) {
  if (memory_ != nullptr) llama_memory_clear(memory_, data);
  if (data) has_old_cells_ = false;
  pooler_.Reset();
}

}  // namespace autocog
