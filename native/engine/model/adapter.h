// A LoRA adapter: low-rank updates of some of a model's weights. Loaded once and usable in any number of
// contexts of that model. Reference-counted: freed with its last user.

#ifndef AUTOCOG_ENGINE_MODEL_ADAPTER_H_
#define AUTOCOG_ENGINE_MODEL_ADAPTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/common/status.h"
#include "engine/model/model.h"
#include "llama.h"

namespace autocog {

class Adapter {
 public:
  // Loads on the calling thread. kModelLoad if the file is not a LoRA adapter for this model.
  static Result<std::shared_ptr<Adapter>> Load(std::shared_ptr<Model> model, const std::string& path);
  ~Adapter();
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  llama_adapter_lora* raw() const { return adapter_; }
  const Model* model() const { return model_.get(); }
  // The file's metadata, without arrays, values as text.
  std::vector<std::pair<std::string, std::string>> Metadata() const;
  // A digest of the file's bytes.
  uint64_t digest() const { return digest_; }
  // Names of the file's tensors that llama.cpp ignores: normalization weights.
  const std::vector<std::string>& ignored() const { return ignored_; }

 private:
  Adapter(std::shared_ptr<Model> model, llama_adapter_lora* adapter, uint64_t digest, std::vector<std::string> ignored);

  std::shared_ptr<Model> model_;  // must outlive adapter_, which llama.cpp would free with the model
  llama_adapter_lora* adapter_;
  uint64_t digest_;
  std::vector<std::string> ignored_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_ADAPTER_H_
