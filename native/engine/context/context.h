// Owns one llama_context and makes its calls safe: arguments that would abort the process are rejected
// first, batches are padded so that results do not depend on their size, and failed decodes are
// reported. Used on the session's thread only.

#ifndef AUTOCOG_ENGINE_CONTEXT_CONTEXT_H_
#define AUTOCOG_ENGINE_CONTEXT_CONTEXT_H_

#include <algorithm>
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
#include "engine/context/decoding_rules.h"
#include "engine/context/sequence_memory.h"
#include "engine/context/thread_pool.h"
#include "engine/model/model.h"
#include "llama.h"

namespace autocog {

struct ContextOptions {
  // Maximum length of a prompt with its continuation, in tokens; of an encoder-decoder, of each of them.
  int context_size = 0;
  int batch_size = 2048;
  int micro_batch_size = 0;  // 0: 256, or 512 with layers on a GPU
  int max_sequences = 256;   // sequence ids, for prompts and branches together
  int threads = 1;
  int threads_batch = 1;
  llama_flash_attn_type flash_attention = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  std::string kv_type_k = "f16";
  std::string kv_type_v = "f16";
  bool offload_kqv = true;
  size_t logits_budget = size_t{64} << 20;  // bytes of logits per decode
  // Bytes of the states of append-only sequences, which limits max_sequences, but not below min_sequences.
  size_t state_budget = size_t{512} << 20;
  int min_sequences = 4;
  float rope_frequency_base = 0;  // 0: the model's, here and below
  float rope_frequency_scale = 0;
  llama_rope_scaling_type rope_scaling = LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED;  // the model's
  float yarn_ext_factor = -1;  // negative: llama.cpp's default, here and below
  float yarn_attn_factor = -1;
  float yarn_beta_fast = -1;
  float yarn_beta_slow = -1;
  uint32_t yarn_orig_ctx = 0;  // 0: the model's
};

// kOutOfRange for sizes and counts that llama.cpp does not support.
Status CheckContextOptions(const ContextOptions& options);
// Whether the model has a table of position embeddings, whose size llama.cpp asserts to suffice. (Some
// mpt models have none, but their metadata does not say so.)
bool HasPositionTable(const ModelInfo& info);

// The default micro-batch on a CPU, and the least number of tokens in a wave. Prompts take as long as with twice as
// many; the larger waves of a tree take longer, since each token attends to the cells of all others in its wave.
constexpr int kCpuMicroBatch = 256;

// How Decode() handles micro-batches that would use llama.cpp's single-token kernels.
enum class Kernels {
  // Pads with a token in a separate sequence, so that every row is computed by the batch kernels:
  // the results are independent of the batch size.
  kBatch,
  // Never pads. Single tokens are decoded faster, but the results differ in the last digits.
  kAny,
};

class Context {
 public:
  static Result<std::unique_ptr<Context>> Create(std::shared_ptr<Model> model, const ContextOptions& options);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Model& model() const { return *model_; }
  // For adapters and control vectors. Do not access the KV cache or decode through it.
  llama_context* raw() const { return context_; }
  // Whether flash attention is in effect; with 'auto', llama.cpp decides.
  bool flash_attention() const { return flash_attention_; }
  const Vocabulary& vocabulary() const { return model_->vocabulary(); }
  int vocabulary_size() const { return model_->vocabulary().size(); }

  int context_size() const { return context_size_; }
  // Cells for the positions of all sequences together; at least context_size(). Sequences that do not share
  // cells have context_size() each.
  int cells() const { return cells_; }
  // Whether sequences can only be extended, shared and removed as a whole. See SequenceMemory.
  bool append_only() const { return memory_kind_ != SequenceMemory::kCells; }
  // Whether llama.cpp computes tokens of different sequences together only if the sequence ids are
  // consecutive, and ascending in the batch.
  bool needs_consecutive_ids() const { return model_->info().recurrent; }
  // Whether a Decode() of several sequences failed, which may change any append-only sequence: all of them
  // are invalid. Reset by ClearSequences().
  bool lost_sequences() const { return lost_sequences_; }
  // Whether a row was not finite, or a state with such values was refused. Cells may then hold values which
  // reach other prompts even where these do not attend to them: 0 times infinity is not 0. Reset by
  // ClearSequences().
  bool has_bad_cells() const { return has_bad_cells_; }
  // Whether cells were written since the last ClearSequences().
  bool has_old_cells() const { return has_old_cells_; }
  // Removes all sequences and sets their cells to zero.
  void ClearSequences();
  // Maximum tokens per Decode(), and maximum rows of logits.
  int max_tokens() const { return max_tokens_; }
  int max_rows() const { return max_rows_; }
  int micro_batch() const { return micro_batch_; }
  // Tokens per Decode() of a tree whose cells are given up after each: fewer than max_tokens(), so that few cells are
  // attended to in vain.
  int wave_tokens() const { return std::min(max_tokens_, std::max(micro_batch_, kCpuMicroBatch)); }
  // Estimated size of the KV cache.
  int64_t cache_bytes() const { return cache_bytes_; }
  // Number of sequence ids, from 0, available to callers. One more is reserved for padding, unless sequences
  // are append-only.
  int sequences() const { return append_only() ? max_sequences_ : max_sequences_ - 1; }
  // The number of sequences that was requested, or fewer if their states exceed the budget.
  int max_sequences() const { return max_sequences_; }

  // Whether an encoder reads the prompts: then the decoder's sequences attend to the last Encode(), and start with
  // decoder_start().
  bool has_encoder() const { return model_->info().encoder_decoder; }
  llama_token decoder_start() const { return model_->info().decoder_start; }
  // Encodes a prompt for all sequences, and waits. Adds to usage->decoded_tokens and decode_calls. Afterwards, or after
  // a failure, sequences that were decoded before are invalid; after a failure nothing may be decoded before the next
  // success. REQUIRES: has_encoder(), 0 < prompt.size() <= context_size(), tokens in the vocabulary.
  Status Encode(const Tokens& prompt, const Cancellation& cancellation, Usage* usage);

  // Decodes and waits. Batches with append-only sequences are not padded. Adds to usage->decoded_tokens, padding_tokens
  // and decode_calls. After a failure the batch's cells are undefined: the caller must trim them from every sequence of
  // the batch. See also lost_sequences(). REQUIRES: 0 < batch->size() <= max_tokens(), batch->rows() <= max_rows(),
  // tokens in the vocabulary, positions that continue their sequences, `free_cells` cells available beyond the batch;
  // if sequences are append-only, one sequence per token.
  Status Decode(Batch* batch, Kernels kernels, int free_cells, const Cancellation& cancellation, Usage* usage);

  // Logits of the batch's i-th token, valid until the next Decode(). Sets has_bad_cells() if they are not finite.
  // REQUIRES: the last Decode() succeeded and that token outputs logits.
  const float* Row(int i);

  // Threads for reading logits, as many as for decoding.
  Workers* workers() { return &workers_; }

  // Maximum number of cells per SaveCells() call.
  int max_saved_cells() const;
  // Appends the cells of sequence 0, which must hold exactly the positions [from, to), in llama.cpp's
  // format. (llama.cpp cannot read back what it writes for other sequences.) kNotSupported for kinds
  // of KV cache that llama.cpp does not save completely.
  Status SaveCells(int from, int to, std::vector<uint8_t>* data);
  // Restores saved cells to an empty sequence, which is empty again after a failure. kStateMismatch if
  // they are not in llama.cpp's format for these positions. REQUIRES: to - from free cells.
  Status LoadCells(llama_seq_id sequence, int from, int to, const uint8_t* data, size_t size);

  // Removes the positions from `from` on. REQUIRES: from is 0 if sequences are append-only.
  void Trim(llama_seq_id sequence, llama_pos from);
  // Whether Shift() is supported.
  bool CanShift() const;
  // Removes the positions [from, from + count) and shifts later ones down by `count`, for all sequences
  // that share their cells. The next Decode() applies the shift.
  void Shift(llama_seq_id sequence, llama_pos from, int count);
  // Shares the cells of positions [from, to) of `source` with `target`. Metadata only, except for kStreams.
  // Append-only sequences are shared as a whole, unless the range is empty, and replace the target.
  void Share(llama_seq_id source, llama_seq_id target, llama_pos from, llama_pos to);

 private:
  Context(std::shared_ptr<Model> model, llama_context* context, SequenceMemory memory_kind,
          const ContextOptions& options);
  static bool OnAbort(void* self);
  // llama_decode with the rules of the architecture. Returns its code, or -4 with the reason in `failure`.
  int32_t Submit(Batch* batch, std::string* failure);
  // The status of a call of llama.cpp that returned `code`, unless it is 0.
  Status ToStatus(int32_t code, const char* function, std::string failure, const Cancellation& cancellation) const;
  int32_t SubmitBySequence(const Batch& batch, std::string* failure);
  float* RawRow(int i);
  void PairRows(Batch* batch) const;
  void RequestRowOfEach(Batch* batch) const;
  // Whether the data, with a prefix of StatePrefixSize(), has the format of exactly these positions.
  bool HasTokens(const uint8_t* data, size_t size, int from, int to) const;
  size_t StatePrefixSize() const;

  std::shared_ptr<Model> model_;
  ThreadPool pool_;                         // `threads` threads
  std::unique_ptr<ThreadPool> batch_pool_;  // `threads_batch` threads, if different
  Workers workers_;
  llama_context* context_;
  llama_memory_t memory_;
  SequenceMemory memory_kind_;
  DecodingRules decoding_;
  int context_size_;
  int cells_;
  int micro_batch_;
  int max_tokens_;
  int max_rows_;
  int max_sequences_;
  ggml_type type_k_ = GGML_TYPE_F16;
  int64_t cache_bytes_ = 0;
  bool flash_attention_ = false;
  bool lost_sequences_ = false;
  bool has_bad_cells_ = false;
  bool has_old_cells_ = false;
  const Cancellation* running_ = nullptr;  // of the running Decode()
  std::vector<float> rows_;                // of SubmitBySequence()
  std::vector<int> row_numbers_;           // per token of its batch, in rows_
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_CONTEXT_H_
