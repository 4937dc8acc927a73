// NativeEmbedder of lib/native/binding.ts: an engine embedder on its own thread.

#ifndef AUTOCOG_ADDON_CLASSES_EMBEDDER_WRAP_H_
#define AUTOCOG_ADDON_CLASSES_EMBEDDER_WRAP_H_

#include <cstdint>
#include <memory>

#include "addon/environment.h"
#include "addon/napi_common.h"
#include "engine/common/job_thread.h"
#include "engine/embedding/embedder.h"

namespace autocog {

class EmbedderWrap : public Napi::ObjectWrap<EmbedderWrap>, public Closable {
 public:
  // Defines the class in this environment. Instances are created only by Create().
  [[nodiscard]] static bool Install(Napi::Env env);
  // createEmbedder(model, options, pooling) -> Promise<NativeEmbedder>
  static Napi::Value Create(const Napi::CallbackInfo& info);

  explicit EmbedderWrap(const Napi::CallbackInfo& info);
  ~EmbedderWrap() override;
  void CloseNow() override { embedder_->reset(); }

 private:
  Napi::Value Info(const Napi::CallbackInfo& info);
  Napi::Value Embed(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  void CountMemory(Napi::Env env, int64_t bytes);

  std::shared_ptr<JobThread> thread_;
  // Created, used and freed on the thread; the outer pointer is shared with its jobs.
  std::shared_ptr<std::unique_ptr<Embedder>> embedder_;
  Napi::ObjectReference info_;
  int64_t counted_bytes_ = 0;  // reported to the garbage collector
};

}  // namespace autocog

#endif  // AUTOCOG_ADDON_CLASSES_EMBEDDER_WRAP_H_
