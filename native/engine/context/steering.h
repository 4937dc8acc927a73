// The LoRA adapters and the control vector of a session's context. Changing either invalidates everything
// decoded before. Owned by the session, which calls it on its thread, with an empty KV cache.

#ifndef AUTOCOG_ENGINE_CONTEXT_STEERING_H_
#define AUTOCOG_ENGINE_CONTEXT_STEERING_H_

#include <memory>
#include <string>
#include <vector>

#include "engine/common/status.h"
#include "engine/context/context.h"
#include "engine/model/adapter.h"

namespace autocog {

struct AdapterUse {
  std::shared_ptr<Adapter> adapter;
  float scale = 1;
};

class Steering {
 public:
  // `context` must outlive this.
  explicit Steering(Context* context) : context_(context) {}

  // Replaces the adapters in use; an empty list removes them. On failure nothing changes.
  // REQUIRES: the KV cache is empty.
  Status SetAdapters(std::vector<AdapterUse> adapters);

  // Replaces the control vector: row i of `data` is added to the output of layer i + 1. Empty data
  // removes it. On failure no control vector is in use. REQUIRES: the KV cache is empty.
  Status SetControlVector(const std::vector<float>& data);

  // Identifies the adapters and the vector in use: equal for equal adapter files, scales and vectors;
  // empty for none. A saved state is valid only in a context with the same name.
  std::string name() const;

 private:
  Status Apply(const std::vector<AdapterUse>& adapters);
  Status CheckAdapters(const std::vector<AdapterUse>& adapters) const;
  Status ApplyVector(const float* data, size_t size);
  // Decodes two tokens and returns the logits, which makes llama.cpp rebuild its graphs.
  Result<std::vector<float>> Probe();
  Status ProbeVector();

  Context* context_;
  std::vector<AdapterUse> adapters_;
  std::vector<float> vector_;
  bool supports_vectors_ = false;  // determined by ProbeVector()
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_STEERING_H_
