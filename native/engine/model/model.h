// A loaded GGUF model: weights, vocabulary, metadata. Immutable once loaded. Shared by its sessions,
// which hold it by shared_ptr, so it is freed with the last one.

#ifndef AUTOCOG_ENGINE_MODEL_MODEL_H_
#define AUTOCOG_ENGINE_MODEL_MODEL_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/model/vocabulary.h"
#include "engine/rpc/rpc_servers.h"
#include "llama.h"

namespace autocog {

struct ModelOptions {
  int gpu_layers = -1;
  std::vector<std::string> devices;  // empty: llama.cpp's default
  llama_split_mode split_mode = LLAMA_SPLIT_MODE_LAYER;
  int main_gpu = 0;
  std::vector<float> tensor_split;  // empty: proportional to free memory
  std::vector<std::string> rpc_servers;
  bool mmap = true;
  bool mlock = false;
  bool vocab_only = false;
  bool check_tensors = false;
  using Override = std::variant<bool, int64_t, double, std::string>;
  std::vector<std::pair<std::string, Override>> overrides;
};

struct ModelInfo {
  std::string path;
  std::string description;
  std::string architecture;
  uint64_t parameters = 0;
  uint64_t size_bytes = 0;
  int train_context_size = 0;
  int layers = 0;
  int embedding_size = 0;
  int heads = 0;
  int heads_kv = 0;
  std::vector<int> head_sizes_k;  // the distinct sizes of key heads; empty if unknown, and for values
  std::vector<int> head_sizes_v;
  int sliding_window = 0;
  bool has_encoder = false;
  bool has_decoder = false;
  // The decoder attends to what the encoder makes of a prompt, and its own tokens begin with decoder_start.
  bool encoder_decoder = false;
  llama_token decoder_start = LLAMA_TOKEN_NULL;
  bool recurrent = false;
  bool hybrid = false;
  bool diffusion = false;
  bool causal = true;  // tokens do not attend to later ones
  bool vocab_only = false;
  bool has_rope = false;  // rotary position embeddings; without, the next three are meaningless
  float rope_frequency_base = 0;
  float rope_frequency_scale = 0;
  std::string rope_scaling;  // "none", "linear", "yarn" or "longrope"
  int gpu_layers = 0;        // offloaded to GPUs, counting the output as one
  bool has_chat_template = false;
  std::string chat_template;
};

// An override's value as llama.cpp prints metadata.
std::string OverrideText(const ModelOptions::Override& value);

class Model {
 public:
  // Loads on the calling thread, where `progress` (may be empty) is called with fractions from 0 to 1.
  static Result<std::shared_ptr<Model>> Load(const std::string& path, const ModelOptions& options,
                                             const std::function<void(float)>& progress,
                                             const Cancellation& cancellation);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  llama_model* raw() const { return model_; }
  const ModelInfo& info() const { return info_; }
  const Vocabulary& vocabulary() const { return vocabulary_; }
  // kDecodeFailed, or another code, if the model has lost an RPC server: it can only be freed then. Whoever decodes,
  // saves or loads with the model asks before a result counts. Thread-safe.
  Status CheckServers(Code code = Code::kDecodeFailed) const { return servers_->Check(code); }
  // Must be locked for operations that write to llama.cpp's model: adapters, creation of contexts.
  std::mutex& mutex() const { return mutex_; }
  // Keys and values in file order, values as text.
  std::vector<std::pair<std::string, std::string>> Metadata() const;

 private:
  static Result<std::shared_ptr<Model>> LoadOver(const std::shared_ptr<RpcServers>& servers, const std::string& path,
                                                 const ModelOptions& options,
                                                 const std::function<void(float)>& progress,
                                                 const Cancellation& cancellation);
  Model(llama_model* model, std::shared_ptr<RpcServers> servers, const std::string& path, const ModelOptions& options);
  std::vector<int> ReadHeadSizes(const ModelOptions& options, const std::string& key) const;
  void ReadInfo(const std::string& path, const ModelOptions& options);
  void ReadRope(const ModelOptions& options);
  void ReadDecoder(const ModelOptions& options);

  std::shared_ptr<RpcServers> servers_;  // first, so that their devices outlive the model
  llama_model* model_;
  mutable std::mutex mutex_;
  Vocabulary vocabulary_;
  ModelInfo info_;
};

// A tensor that Quantize() wrote in another type than requested.
struct Fallback {
  std::string tensor;
  std::string requested;
  std::string type;
};

// Converts `source` to another weight type, named as in llama-quantize ("F32", "F16", "Q8_0", "Q4_K_M",
// ...), on the calling thread. The target appears only once it is complete. Returns the tensors that have
// another type because their rows do not divide into its blocks. kModelLoad for a source that is not a model,
// kOutOfRange for an unknown type, kNotSupported for one that requires an importance matrix.
Result<std::vector<Fallback>> Quantize(const std::string& source, const std::string& target, const std::string& type,
                                       int threads);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_MODEL_H_
