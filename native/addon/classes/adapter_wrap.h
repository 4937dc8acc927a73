// NativeAdapter of lib/native/binding.ts: one owner of a LoRA adapter, shared with the sessions that
// use it.

#ifndef AUTOCOG_ADDON_CLASSES_ADAPTER_WRAP_H_
#define AUTOCOG_ADDON_CLASSES_ADAPTER_WRAP_H_

#include <memory>
#include <optional>
#include <vector>

#include "addon/environment.h"
#include "addon/napi_common.h"
#include "engine/common/job_thread.h"
#include "engine/model/adapter.h"

namespace autocog {

class AdapterWrap : public Napi::ObjectWrap<AdapterWrap>, public Closable {
 public:
  // Defines the class in this environment. Instances are created only by Load().
  [[nodiscard]] static bool Install(Napi::Env env);
  // Loads the adapter on `thread`, the model's. Returns a promise of a NativeAdapter.
  static Napi::Value Load(Napi::Env env, Napi::Object owner, const std::shared_ptr<JobThread>& thread,
                          std::shared_ptr<Model> model, std::string path);
  // The adapters behind an array of NativeAdapters; nullopt, with an exception pending, for any other
  // value or if one of them is closed.
  static std::optional<std::vector<std::shared_ptr<Adapter>>> From(const Napi::CallbackInfo& info, size_t index);

  explicit AdapterWrap(const Napi::CallbackInfo& info);
  ~AdapterWrap() override;
  void CloseNow() override { adapter_.reset(); }

 private:
  Napi::Value Metadata(const Napi::CallbackInfo& info);
  Napi::Value Ignored(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  // Returns false, with an exception pending, once closed.
  bool CheckOpen(Napi::Env env) const;

  std::shared_ptr<Adapter> adapter_;  // null once closed; JavaScript thread
};

}  // namespace autocog

#endif  // AUTOCOG_ADDON_CLASSES_ADAPTER_WRAP_H_
