// See context.h.

#include "engine/context/context.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <new>
#include <utility>

#include "engine/common/assertion.h"
#include "engine/common/log.h"
#include "engine/common/memory_limit.h"
#include "engine/context/cache_types.h"
#include "engine/model/memory.h"
#include "ggml.h"

namespace autocog {

namespace {

// Architectures, by their llama.cpp names, whose implementation in llama.cpp does not support token
// trees or scoring at all. `npm run test:oracles` tests every architecture.
constexpr std::pair<const char*, const char*> kUnsupported[] = {
    {"gemma4-assistant", "it is a draft model that reads the KV cache of its target model"},
    {"llama-embed", "it is an embedding model and returns no logits"},
};

// Whether the positions of sequences take cells of one KV cache.
bool HasSharedCells(const ModelInfo& info, SequenceMemory memory) {
  return memory == SequenceMemory::kCells || (memory == SequenceMemory::kStates && !info.recurrent);
}

// Why this model cannot be used; empty if it can.
std::string UnsupportedReason(const ModelInfo& info) {
  if (info.vocab_only) return "it was loaded with vocabOnly, so it has no weights";
  if (!info.has_decoder) return "it has no decoder";
  if (info.has_encoder && !info.encoder_decoder) {
    return "it is a draft model, whose encoder reads the features of its target model";
  }
  if (info.diffusion) return "it is a diffusion model, without next-token probabilities";
  if (!info.causal) return "its attention is bidirectional, so later tokens change the results of earlier ones";
  for (const auto& [architecture, reason] : kUnsupported) {
    if (info.architecture == architecture) return reason;
  }
  return {};
}

Status NotSupported(const std::string& reason) {
  return Status(Code::kNotSupported, "This model cannot be used for scoring: " + reason);
}

}  // namespace

bool HasPositionTable(const ModelInfo& info) {
  for (const char* architecture : {"bert", "gpt2", "mpt", "starcoder"}) {
    if (info.architecture == architecture) return true;
  }
  return false;
}

Status CheckContextOptions(const ContextOptions& options) {
  const auto out_of_range = [](const char* name, const char* range, int value) {
    return Status(Code::kOutOfRange,
                  std::string("Expected ") + range + " for " + name + ", got " + std::to_string(value));
  };
  if (options.context_size < 1) return out_of_range("contextSize", "a positive count", options.context_size);
  // llama.cpp decodes single tokens with different kernels; avoiding that takes batches of two.
  if (options.batch_size < 2) return out_of_range("batchSize", "at least 2", options.batch_size);
  if (options.micro_batch_size != 0 && options.micro_batch_size < 2) {
    return out_of_range("microBatchSize", "at least 2", options.micro_batch_size);
  }
  const int max_sequences = static_cast<int>(llama_max_parallel_sequences());
  if (options.max_sequences < 4 || options.max_sequences > max_sequences) {
    return out_of_range("maxSequences", ("4 to " + std::to_string(max_sequences)).c_str(), options.max_sequences);
  }
  for (const auto& [name, threads] :
       {std::pair("threads", options.threads), std::pair("threadsBatch", options.threads_batch)}) {
    if (threads < 1 || threads > GGML_MAX_N_THREADS) {
      return out_of_range(name, ("1 to " + std::to_string(GGML_MAX_N_THREADS)).c_str(), threads);
    }
  }
  return Status::Ok();
}

namespace {

// llama.cpp has no API for this, but logs a warning when it disables flash attention.
bool HasFlashAttention(const ModelInfo& info, llama_flash_attn_type requested, const std::string& warnings) {
  if (requested == LLAMA_FLASH_ATTN_TYPE_DISABLED || info.architecture == "grok") return false;
  return warnings.find("Flash Attention not supported") == std::string::npos;
}

// The maximum number of rows of logits per decode. Each micro-batch may need a second row as padding.
uint32_t MaxRows(size_t budget, const Vocabulary& vocabulary, uint32_t batch, uint32_t micro_batch) {
  const size_t row_bytes = static_cast<size_t>(vocabulary.size()) * sizeof(float);
  const size_t min_rows = 2 * ((batch + micro_batch - 1) / micro_batch);
  return static_cast<uint32_t>(std::min<size_t>(std::max(budget / row_bytes, min_rows), batch));
}

// The number of sequences whose states fit the budget.
int LimitSequences(const ContextOptions& options, size_t bytes_per_sequence, const Vocabulary& vocabulary) {
  const size_t states = options.state_budget / std::max<size_t>(bytes_per_sequence, 1);
  // llama.cpp allocates a row of logits per sequence.
  const size_t rows = options.logits_budget / (static_cast<size_t>(vocabulary.size()) * sizeof(float));
  const auto limit = static_cast<int>(std::min<size_t>({states, rows, static_cast<size_t>(options.max_sequences)}));
  return std::max(limit, std::min(options.min_sequences, options.max_sequences));
}

int MicroBatch(const ModelInfo& info, const ContextOptions& options) {
  if (options.micro_batch_size != 0) return options.micro_batch_size;
  return info.gpu_layers > 0 ? 2 * kCpuMicroBatch : kCpuMicroBatch;
}

llama_context_params MakeParams(const Model& model, const ContextOptions& options, const CacheTypes& types) {
  const int batch_size = std::min(options.batch_size, options.context_size);
  llama_context_params params = llama_context_default_params();
  params.n_batch = static_cast<uint32_t>(std::max(batch_size, 2));
  params.n_ubatch = static_cast<uint32_t>(std::max(std::min(MicroBatch(model.info(), options), batch_size), 2));
  if (model.info().encoder_decoder) {
    // An encoder reads the whole prompt in one micro-batch.
    params.n_batch = params.n_ubatch = static_cast<uint32_t>(std::max(options.context_size, 2));
  }
  params.n_outputs_max = MaxRows(options.logits_budget, model.vocabulary(), params.n_batch, params.n_ubatch);
  params.n_threads = options.threads;
  params.n_threads_batch = options.threads_batch;
  params.flash_attn_type = options.flash_attention;
  params.type_k = types.k;
  params.type_v = types.v;
  params.offload_kqv = options.offload_kqv;
  params.rope_freq_base = options.rope_frequency_base;
  params.rope_freq_scale = options.rope_frequency_scale;
  params.rope_scaling_type = options.rope_scaling;
  params.yarn_ext_factor = options.yarn_ext_factor;
  params.yarn_attn_factor = options.yarn_attn_factor;
  params.yarn_beta_fast = options.yarn_beta_fast;
  params.yarn_beta_slow = options.yarn_beta_slow;
  params.yarn_orig_ctx = options.yarn_orig_ctx;
  // Even if a metadata override differs: otherwise llama.cpp asserts that a batch is one micro-batch.
  params.attention_type = LLAMA_ATTENTION_TYPE_CAUSAL;
  // Otherwise cells outside the sliding window are discarded, but branches return to them (see cmake/keep-cells.h).
  params.swa_full = true;
  params.no_perf = true;
  return params;
}

}  // namespace

Result<std::unique_ptr<Context>> Context::Create(std::shared_ptr<Model> model, const ContextOptions& requested) {
  ContextOptions options = requested;
  if (std::string reason = UnsupportedReason(model->info()); !reason.empty()) return NotSupported(reason);
  if (Status status = CheckContextOptions(options); !status.ok()) return status;
  if (HasPositionTable(model->info()) && options.context_size > model->info().train_context_size) {
    return Status(Code::kOutOfRange, "Expected at most " + std::to_string(model->info().train_context_size) +
                                         ", the positions that this model knows, for contextSize, got " +
                                         std::to_string(options.context_size));
  }
  auto types = ReadCacheTypes(model->info(), options.kv_type_k, options.kv_type_v);
  if (!types.ok()) return types.status();
  const auto [type_k, type_v] = types.value();
  if (Status status = CheckCacheFits(model->info(), options.context_size, type_k, type_v); !status.ok()) {
    return status;
  }
  if (model->info().encoder_decoder && !model->vocabulary().Contains(model->info().decoder_start)) {
    return NotSupported("its decoder starts with token " + std::to_string(model->info().decoder_start) +
                        ", which is not in its vocabulary");
  }
  if (model->vocabulary().size() < 1) return Status(Code::kNotSupported, "This model has an empty vocabulary");
  llama_context_params params = MakeParams(*model, options, types.value());
  const SequenceMemory memory_kind = SequenceMemoryOf(model->info());
  size_t state_bytes = 0;
  if (memory_kind != SequenceMemory::kCells) {
    auto bytes = BytesPerSequence(model.get(), memory_kind, options.context_size, params);
    if (!bytes.ok()) return bytes.status();
    options.max_sequences = LimitSequences(options, bytes.value(), model->vocabulary());
    state_bytes = bytes.value() * static_cast<size_t>(options.max_sequences);
    Status fits = CheckCacheFits(model->info(), options.context_size, type_k, type_v, state_bytes);
    if (!fits.ok()) return fits;
    // llama.cpp asserts that every sequence can output a row.
    params.n_outputs_max = std::max(params.n_outputs_max, static_cast<uint32_t>(options.max_sequences));
  }
  SetSequences(memory_kind, options.context_size, options.max_sequences, &params);

  const auto limit = FreeUnderMemoryLimit();
  LogCapture log;
  AssertionGuard guard;
  try {
    llama_context* context = nullptr;
    {
      // With a YaRN scale set by the caller, llama.cpp writes to the model, which other threads read.
      const std::lock_guard<std::mutex> lock(model->mutex());
      context = llama_init_from_model(model->raw(), params);
    }
    if (context != nullptr && llama_get_memory(context) == nullptr) {
      llama_free(context);
      return NotSupported("it has no KV cache, like all models that only encode or embed");
    }
    if (context != nullptr) {
      std::unique_ptr<Context> created(new Context(std::move(model), context, memory_kind, options));
      if (Status fits = CheckContextFits(context, limit); !fits.ok()) return fits;
      created->flash_attention_ = HasFlashAttention(created->model().info(), options.flash_attention, log.text());
      created->type_k_ = params.type_k;
      const double cells = CacheBytes(created->model().info(), options.context_size, params.type_k, params.type_v);
      created->cache_bytes_ = static_cast<int64_t>(cells + static_cast<double>(state_bytes));
      return created;
    }
    return ContextRefused(log.text());
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory for the context", log.text());
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "llama.cpp failed to create a context", error.what());
  }
}

Context::Context(std::shared_ptr<Model> model, llama_context* context, SequenceMemory memory_kind,
                 const ContextOptions& options)
    : model_(std::move(model)),
      pool_(options.threads),
      batch_pool_(options.threads_batch == options.threads ? nullptr : new ThreadPool(options.threads_batch)),
      workers_(std::max(options.threads, options.threads_batch)),
      context_(context),
      memory_(llama_get_memory(context)),
      memory_kind_(memory_kind),
      decoding_(DecodingRulesOf(model_->info())),
      context_size_(options.context_size),
      cells_(HasSharedCells(model_->info(), memory_kind) ? static_cast<int>(llama_n_ctx(context))
                                                         : options.context_size * options.max_sequences),
      micro_batch_(static_cast<int>(llama_n_ubatch(context))),
      max_tokens_(std::min(static_cast<int>(llama_n_batch(context)), std::max(options.batch_size, 2))),
      max_sequences_(options.max_sequences) {
  const auto batch = llama_n_batch(context_);
  const auto micro_batch = llama_n_ubatch(context_);
  // Reserve room for a padding token per batch and for a padding row per micro-batch.
  if (max_tokens_ % micro_batch_ == 1) --max_tokens_;
  max_rows_ = static_cast<int>(MaxRows(options.logits_budget, vocabulary(), batch, micro_batch) -
                               (batch + micro_batch - 1) / micro_batch);
  if (decoding_.all_rows) max_tokens_ = std::min(max_tokens_, max_rows_);
  llama_set_abort_callback(context_, OnAbort, this);
  llama_attach_threadpool(context_, pool_.raw(), batch_pool_ ? batch_pool_->raw() : nullptr);
}

Context::~Context() {
  llama_free(context_);
  ReturnFreedMemory();
}

void Context::ClearSequences() {
  llama_memory_clear(memory_, true);
  lost_sequences_ = has_bad_cells_ = has_old_cells_ = false;
}

void Context::Trim(llama_seq_id sequence, llama_pos from) { llama_memory_seq_rm(memory_, sequence, from, -1); }

bool Context::CanShift() const {
  return !HasPositionTable(model_->info()) && llama_memory_can_shift(memory_) && CanRotateKeys(model_->info(), type_k_);
}

void Context::Shift(llama_seq_id sequence, llama_pos from, int count) {
  llama_memory_seq_rm(memory_, sequence, from, from + count);
  llama_memory_seq_add(memory_, sequence, from + count, -1, -count);
}

void Context::Share(llama_seq_id source, llama_seq_id target, llama_pos from, llama_pos to) {
  if (from >= to || source == target) return;
  if (!append_only()) return llama_memory_seq_cp(memory_, source, target, from, to);
  llama_memory_seq_rm(memory_, target, -1, -1);
  llama_memory_seq_cp(memory_, source, target, -1, -1);
}

}  // namespace autocog
