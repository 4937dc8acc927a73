// A LoRA adapter: low-rank additions to some of a model's weights, loaded once and used by any
// number of contexts of that model. Shared by whoever uses it, so it is freed after the last.

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
  // Loads on the calling thread. kModelLoad for what is no LoRA adapter of this model.
  static Result<std::shared_ptr<Adapter>> Load(std::shared_ptr<Model> model, const std::string& path);
  ~Adapter();
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  llama_adapter_lora* raw() const { return adapter_; }
  const Model* model() const { return model_.get(); }
  // Keys and values of the file, lists left out, values as text.
  std::vector<std::pair<std::string, std::string>> Metadata() const;
  // Of the file's bytes.
  uint64_t digest() const { return digest_; }
  // Names of tensors that the file has and llama.cpp does not apply: normalisation weights.
  const std::vector<std::string>& ignored() const { return ignored_; }

 private:
  Adapter(std::shared_ptr<Model> model, llama_adapter_lora* adapter, uint64_t digest, std::vector<std::string> ignored);

  std::shared_ptr<Model> model_;  // outlives the adapter, which llama.cpp would free with it
  llama_adapter_lora* adapter_;
  uint64_t digest_;
  std::vector<std::string> ignored_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_ADAPTER_H_
