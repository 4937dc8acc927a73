// Owns one llama_context and makes its calls safe: limits that would abort the process are
// refused first, batches are padded to where kernels agree, a failed decode is reported and
// never half-believed. One thread: the session's.

#ifndef AUTOCOG_ENGINE_CONTEXT_CONTEXT_H_
#define AUTOCOG_ENGINE_CONTEXT_CONTEXT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/common/usage.h"
#include "engine/common/workers.h"
#include "engine/context/batch.h"
#include "engine/context/thread_pool.h"
#include "engine/model/model.h"
#include "llama.h"

namespace autocog {

struct ContextOptions {
  int context_size = 0;  // positions that a prompt with its continuation may take
  int batch_size = 2048;
  int micro_batch_size = 512;
  int max_sequences = 256;  // sequence ids in use, prompts and branches together
  int threads = 1;
  int threads_batch = 1;
  llama_flash_attn_type flash_attention = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  std::string kv_type_k = "f16";
  std::string kv_type_v = "f16";
  bool offload_kqv = true;
  size_t logits_budget = size_t{64} << 20;  // bytes that one decode's logits may take
  float rope_frequency_base = 0;            // 0: the model's
  float rope_frequency_scale = 0;
  llama_rope_scaling_type rope_scaling = LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED;  // the model's
  float yarn_ext_factor = -1;  // negative: llama.cpp's choice, here and below
  float yarn_attn_factor = -1;
  float yarn_beta_fast = -1;
  float yarn_beta_slow = -1;
  uint32_t yarn_orig_ctx = 0;  // 0: the model's
};

// kOutOfRange for sizes and counts that llama.cpp would not take.
Status CheckContextOptions(const ContextOptions& options);
// A type that llama.cpp takes for the KV cache, by its name; else kOutOfRange.
Result<ggml_type> CacheType(const std::string& name);
// Whether the model looks positions up in a table, which llama.cpp asserts to be long enough.
// (An mpt may be without; its files do not say.)
bool HasPositionTable(const ModelInfo& info);

// How a decode treats batches of one token.
enum class Kernels {
  // Pads with one token in a sequence of its own, so that every row is computed by the
  // kernels for several tokens: the same numbers whatever the batch.
  kBatch,
  // Sends a single token as it is: faster, and its numbers differ in the last digits.
  kAny,
};

class Context {
 public:
  static Result<std::unique_ptr<Context>> Create(std::shared_ptr<Model> model, const ContextOptions& options);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Model& model() const { return *model_; }
  // For what changes how the context computes. Its cache and its decodes are this class's.
  llama_context* raw() const { return context_; }
  // Whether flash attention is in effect, which 'auto' leaves to llama.cpp.
  bool flash_attention() const { return flash_attention_; }
  const Vocabulary& vocabulary() const { return model_->vocabulary(); }
  int vocabulary_size() const { return model_->vocabulary().size(); }

  int context_size() const { return context_size_; }
  // Cells of the KV buffer; at least context_size().
  int cells() const { return cells_; }
  // Most tokens that one Decode() takes, and most rows of logits that it gives.
  int max_tokens() const { return max_tokens_; }
  int max_rows() const { return max_rows_; }
  int micro_batch() const { return micro_batch_; }
  // Of the KV cache, about.
  int64_t cache_bytes() const { return cache_bytes_; }
  // Sequence ids from 0 that callers may use; one more is kept for padding.
  int sequences() const { return max_sequences_ - 1; }

  // Decodes and waits. Adds to usage->decoded_tokens, padding_tokens and decode_calls.
  // On failure nothing of the batch may be believed: the caller removes it from every
  // sequence that it used.
  // REQUIRES: 0 < batch->size() <= max_tokens(), batch->rows() <= max_rows(), tokens in the
  // vocabulary, positions that follow their sequences', `free_cells` of room beyond the batch.
  Status Decode(Batch* batch, Kernels kernels, int free_cells, const Cancellation& cancellation, Usage* usage);

  // Logits of the batch's i-th token, until the next Decode().
  // REQUIRES: the last Decode() succeeded and that token wanted logits.
  const float* Row(int i);

  // Threads for reading logits, as many as decode batches.
  Workers* workers() { return &workers_; }

  // Most cells that SaveCells() takes at a time.
  int most_saved() const;
  // Appends the cells of sequence 0, which holds the positions [from, to), as llama.cpp writes
  // them. Of other sequences it writes nothing that it could read. kNotSupported where the cache
  // is of a kind of which it does not write all.
  Status SaveCells(int from, int to, std::vector<uint8_t>* data);
  // Makes such cells those of an empty sequence, which is empty again after a failure.
  // kStateMismatch where they are not what llama.cpp would write.
  // REQUIRES: so many free cells.
  Status LoadCells(llama_seq_id sequence, int from, int to, const uint8_t* data, size_t size);

  // Removes positions from `from` on.
  void Trim(llama_seq_id sequence, llama_pos from);
  // Whether Shift() can be.
  bool CanShift() const;
  // Removes `count` positions from `from` on and moves up those behind them, for all sequences
  // that share their cells. The next Decode() does the work.
  void Shift(llama_seq_id sequence, llama_pos from, int count);
  // Makes positions [from, to) of `source` those of `target` too. Metadata only.
  void Share(llama_seq_id source, llama_seq_id target, llama_pos from, llama_pos to);

 private:
  Context(std::shared_ptr<Model> model, llama_context* context, const ContextOptions& options);
  static bool OnAbort(void* self);
  void PairRows(Batch* batch) const;

  std::shared_ptr<Model> model_;
  ThreadPool pool_;                         // of `threads`
  std::unique_ptr<ThreadPool> batch_pool_;  // of `threads_batch`, where that is another number
  Workers workers_;
  llama_context* context_;
  llama_memory_t memory_;
  int context_size_;
  int cells_;
  int micro_batch_;
  int max_tokens_;
  int max_rows_;
  int max_sequences_;
  int64_t cache_bytes_ = 0;
  bool flash_attention_ = false;
  const Cancellation* running_ = nullptr;  // of the Decode() that runs
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_CONTEXT_H_
