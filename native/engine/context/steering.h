// What a session's context computes besides its model: LoRA adapters and a control vector.
// Changing either makes all that was decoded before worthless. The session owns it and calls it
// on its own thread, with an empty cache.

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

  // Puts these adapters in place of those in use; none removes them. On failure nothing changes.
  // REQUIRES: nothing is cached in the context.
  Status SetAdapters(std::vector<AdapterUse> adapters);

  // Adds row i of `data` to what leaves layer i + 1, in place of what was added; empty removes
  // it. On failure nothing is added any more.
  // REQUIRES: nothing is cached in the context.
  Status SetControlVector(const std::vector<float>& data);

  // Names what is in use: equal for equal adapter files, scales and vectors, empty for none. A
  // state is only good in a context of the same name.
  std::string name() const;

 private:
  Status Apply(const std::vector<AdapterUse>& adapters);
  Status CheckAdapters(const std::vector<AdapterUse>& adapters) const;
  Status ApplyVector(const float* data, size_t size);
  // Two tokens, for their logits: builds llama.cpp's graphs anew.
  Result<std::vector<float>> Probe();
  Status ProbeVector();

  Context* context_;
  std::vector<AdapterUse> adapters_;
  std::vector<float> vector_;
  bool takes_vectors_ = false;  // known by trying
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_STEERING_H_
