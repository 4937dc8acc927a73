// NativeModel of lib/native/binding.ts: a loaded model and the thread that runs its long operations.

#ifndef AUTOCOG_ADDON_CLASSES_MODEL_WRAP_H_
#define AUTOCOG_ADDON_CLASSES_MODEL_WRAP_H_

#include <memory>

#include "addon/environment.h"
#include "addon/napi_common.h"
#include "engine/common/job_thread.h"
#include "engine/model/model.h"

namespace autocog {

class ModelWrap : public Napi::ObjectWrap<ModelWrap>, public Closable {
 public:
  // Defines the class in this environment. Instances are created only by Load().
  [[nodiscard]] static bool Install(Napi::Env env);
  // loadModel(path, options, onProgress, cancellation) -> Promise<NativeModel>
  static Napi::Value Load(const Napi::CallbackInfo& info);
  // The model behind a NativeModel; null, with an exception pending, for any other value or a closed
  // model.
  static std::shared_ptr<Model> From(const Napi::CallbackInfo& info, size_t index);

  explicit ModelWrap(const Napi::CallbackInfo& info);
  ~ModelWrap() override;
  void CloseNow() override { model_.reset(); }

 private:
  Napi::Value Info(const Napi::CallbackInfo& info);
  Napi::Value Vocab(const Napi::CallbackInfo& info);
  Napi::Value Metadata(const Napi::CallbackInfo& info);
  Napi::Value LoadAdapter(const Napi::CallbackInfo& info);
  Napi::Value ReadControlVector(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  // model_wrap_tokenizer.cc
  Napi::Value TokenizeSync(const Napi::CallbackInfo& info);
  Napi::Value Tokenize(const Napi::CallbackInfo& info);
  Napi::Value TokenizeMany(const Napi::CallbackInfo& info);
  Napi::Value DetokenizeSync(const Napi::CallbackInfo& info);
  Napi::Value Detokenize(const Napi::CallbackInfo& info);
  Napi::Value TokenBytes(const Napi::CallbackInfo& info);
  Napi::Value TokenTable(const Napi::CallbackInfo& info);
  // model_wrap_grammar.cc
  Napi::Value CheckGrammar(const Napi::CallbackInfo& info);
  Napi::Value CheckGrammarInJob(const Napi::CallbackInfo& info);
  Napi::Value MatchesGrammar(const Napi::CallbackInfo& info);

  // The thread that tokenizes so many bytes: long texts must not hold up short ones.
  const std::shared_ptr<JobThread>& ThreadFor(Napi::Env env, size_t bytes);
  // Returns false, with an exception pending, once closed.
  bool CheckOpen(Napi::Env env) const;
  void CountMemory(Napi::Env env, int64_t bytes);

  std::shared_ptr<JobThread> thread_;
  std::shared_ptr<JobThread> long_thread_;     // created when first needed
  std::shared_ptr<JobThread> grammar_thread_;  // created when first needed
  std::shared_ptr<Model> model_;               // null once closed; JavaScript thread
  int64_t counted_bytes_ = 0;                  // reported to the garbage collector
};

}  // namespace autocog

#endif  // AUTOCOG_ADDON_CLASSES_MODEL_WRAP_H_
