// Owns one llama_context for embeddings: maps texts to vectors, or to a classifier's outputs. Unlike
// Context, which is for scoring, it supports encoders and bidirectional models. Used on its owner's
// thread only. No method throws.

#ifndef AUTOCOG_ENGINE_EMBEDDING_EMBEDDER_H_
#define AUTOCOG_ENGINE_EMBEDDING_EMBEDDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/common/usage.h"
#include "engine/context/batch.h"
#include "engine/context/context.h"
#include "engine/context/thread_pool.h"
#include "engine/embedding/pooling.h"
#include "engine/model/model.h"
#include "llama.h"

namespace autocog {

struct Embeddings {
  // texts × Embedder::size(), row-major; without pooling, tokens × size().
  std::vector<float> values;
  Usage usage;
};

class Embedder {
 public:
  // `pooling`: a name, or empty for the model's default, which is mean if the file has none.
  // `options.batch_size` may be 0 for a default. `options.max_sequences` is the maximum number of texts
  // per batch.
  static Result<std::unique_ptr<Embedder>> Create(std::shared_ptr<Model> model, ContextOptions options,
                                                  const std::string& pooling);
  ~Embedder();
  Embedder(const Embedder&) = delete;
  Embedder& operator=(const Embedder&) = delete;

  const Model& model() const { return *model_; }
  Pooling pooling() const { return pooling_; }
  // Numbers per vector.
  int size() const { return size_; }
  // Maximum tokens per text.
  int context_size() const { return context_size_; }
  // Maximum tokens, and maximum number of texts, of a batch of several texts.
  int batch_size() const { return batch_size_; }
  int max_sequences() const { return max_sequences_; }
  const std::vector<std::string>& labels() const { return head_.labels; }
  // Estimated size of the KV cache; 0 for models without one.
  int64_t cache_bytes() const { return cache_bytes_; }

  // `norm`: negative for no normalization, 0 to scale the largest magnitude to 32760, p >= 1 to scale the
  // p-norm to 1. A classifier's outputs are never normalized. Checks its arguments. Nothing remains in
  // the memory after a failure.
  Result<Embeddings> Embed(const std::vector<Tokens>& texts, double norm, const Cancellation& cancellation);

 private:
  Embedder(std::shared_ptr<Model> model, llama_context* context, const ContextOptions& options, Pooling pooling,
           ClassifierHead head);
  static bool OnAbort(void* self);

  Status Check(const std::vector<Tokens>& texts, double norm) const;
  // The number of texts from index `first` on that fit one batch, at least one.
  size_t CountInBatch(const std::vector<Tokens>& texts, size_t first) const;
  // Decodes `count` texts in one batch, or a single long text in several.
  Status EmbedBatch(const std::vector<Tokens>& texts, size_t first, size_t count, double norm,
                    const Cancellation& cancellation, Embeddings* result);
  // Decodes the batch.
  Status Decode(const Cancellation& cancellation, Usage* usage);
  // Reads the embeddings of the batch's text `sequence`: `count` tokens from batch index `start` on.
  // `is_end`: they are the text's last tokens.
  Status Read(int sequence, int start, int count, bool is_end, double norm, Embeddings* result);
  // Clears the memory. With `data` also overwrites the values, which a later text could multiply by zero.
  void ClearMemory(bool data);

  std::shared_ptr<Model> model_;
  ThreadPool pool_;
  llama_context* context_;
  llama_memory_t memory_;  // null for models without one
  Pooling pooling_;
  ClassifierHead head_;
  int size_;
  int context_size_;
  int batch_size_;
  int max_sequences_;
  int max_tokens_;  // per decode
  bool pads_;
  int64_t cache_bytes_ = 0;
  Batch batch_;
  Pooler pooler_;
  bool has_old_cells_ = false;  // written since the memory was last set to zero
  const Cancellation* running_ = nullptr;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_EMBEDDING_EMBEDDER_H_
