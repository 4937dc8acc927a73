// One llama_context that embeds: texts to vectors, or to a classifier's outputs. Not for
// scoring, whose Context refuses encoders and models that look ahead; these are welcome here.
// One thread: its owner's. No method throws.

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
  // Text by text, each Embedder::size() numbers; without pooling that many for each token.
  std::vector<float> values;
  Usage usage;
};

class Embedder {
 public:
  // `pooling`: a name, or empty for the model's own, which is the mean where it has none.
  // `options.batch_size` may be 0: as many tokens as suit the model. `options.max_sequences` is
  // how many texts may share a batch.
  static Result<std::unique_ptr<Embedder>> Create(std::shared_ptr<Model> model, ContextOptions options,
                                                  const std::string& pooling);
  ~Embedder();
  Embedder(const Embedder&) = delete;
  Embedder& operator=(const Embedder&) = delete;

  const Model& model() const { return *model_; }
  Pooling pooling() const { return pooling_; }
  // Of one vector.
  int size() const { return size_; }
  // Most tokens of a text.
  int context_size() const { return context_size_; }
  // Most tokens of several texts that are decoded together, and most such texts.
  int batch_size() const { return batch_size_; }
  int max_sequences() const { return max_sequences_; }
  const std::vector<std::string>& labels() const { return head_.labels; }
  // Of the KV cache, about; 0 for models that keep none.
  int64_t cache_bytes() const { return cache_bytes_; }

  // `norm`: negative for vectors as they are, 0 to scale the largest magnitude to 32760, p of at
  // least 1 to make the p-norm 1. A classifier's outputs are given as they are.
  // On failure nothing is kept. Arguments are checked here, whoever calls.
  Result<Embeddings> Embed(const std::vector<Tokens>& texts, double norm, const Cancellation& cancellation);

 private:
  Embedder(std::shared_ptr<Model> model, llama_context* context, const ContextOptions& options, Pooling pooling,
           ClassifierHead head);
  static bool OnAbort(void* self);

  Status Check(const std::vector<Tokens>& texts, double norm) const;
  // How many of the texts from the `first`-th on go into one batch, at least one.
  size_t CountTogether(const std::vector<Tokens>& texts, size_t first) const;
  // Decodes so many texts in one batch, or a long one in several.
  Status EmbedSome(const std::vector<Tokens>& texts, size_t first, size_t count, double norm,
                   const Cancellation& cancellation, Embeddings* result);
  // Decodes the batch after what the memory holds.
  Status Decode(const Cancellation& cancellation, Usage* usage);
  // Reads what the batch gave of the text that is its `sequence`-th, `count` tokens from its
  // `start`-th on. `ends`: they are the text's last.
  Status Read(int sequence, int start, int count, bool ends, double norm, Embeddings* result);
  // Empties the memory; with `data` also of what a new text might still multiply by zero.
  void Forget(bool data);

  std::shared_ptr<Model> model_;
  ThreadPool pool_;
  llama_context* context_;
  llama_memory_t memory_;  // null for models that keep none
  Pooling pooling_;
  ClassifierHead head_;
  int size_;
  int context_size_;
  int batch_size_;
  int max_sequences_;
  int most_tokens_;  // of one decode
  bool pads_;
  int64_t cache_bytes_ = 0;
  Batch batch_;
  Pooler pooler_;
  const Cancellation* running_ = nullptr;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_EMBEDDING_EMBEDDER_H_
