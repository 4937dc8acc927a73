// NativeSession of lib/native/binding.ts: one engine session on one thread of its own.

#ifndef AUTOCOG_ADDON_CLASSES_SESSION_WRAP_H_
#define AUTOCOG_ADDON_CLASSES_SESSION_WRAP_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "addon/environment.h"
#include "addon/job.h"
#include "addon/napi_common.h"
#include "engine/common/job_thread.h"
#include "engine/session/session.h"

namespace autocog {

class SessionWrap : public Napi::ObjectWrap<SessionWrap>, public Closable {
 public:
  // Defines the class in this environment; instances come only from Create().
  static void Install(Napi::Env env);
  // createSession(model, options) -> Promise<NativeSession>
  static Napi::Value Create(const Napi::CallbackInfo& info);

  explicit SessionWrap(const Napi::CallbackInfo& info);
  ~SessionWrap() override;
  void CloseNow() override { session_->reset(); }

 private:
  Napi::Value Info(const Napi::CallbackInfo& info);
  Napi::Value Eval(const Napi::CallbackInfo& info);
  Napi::Value LogProbs(const Napi::CallbackInfo& info);
  Napi::Value Candidates(const Napi::CallbackInfo& info);
  Napi::Value ScoreTree(const Napi::CallbackInfo& info);
  Napi::Value SearchTree(const Napi::CallbackInfo& info);
  Napi::Value Generate(const Napi::CallbackInfo& info);
  Napi::Value GenerateMany(const Napi::CallbackInfo& info);
  Napi::Value SearchBeams(const Napi::CallbackInfo& info);
  Napi::Value Ingest(const Napi::CallbackInfo& info);
  Napi::Value Clear(const Napi::CallbackInfo& info);
  // session_wrap_steering.cc
  Napi::Value SetAdapters(const Napi::CallbackInfo& info);
  Napi::Value SetControlVector(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  // session_wrap_state.cc
  Napi::Value SaveState(const Napi::CallbackInfo& info);
  Napi::Value LoadState(const Napi::CallbackInfo& info);

  void CountMemory(Napi::Env env, int64_t bytes);

  // Queues `work(session, cancellation)`; it does not run once the session is closed or the
  // call aborted. Adds the wait to the usage that `usage_of` finds in the result.
  template <typename T, typename Work, typename UsageOf, typename Convert>
  Napi::Value Submit(Napi::Env env, CancelFlag flag, Work work, UsageOf usage_of, Convert convert);

  Napi::Value SubmitTree(Napi::Env env, CancelFlag flag, Tokens prompt, TreeRequest request,
                         std::optional<SearchRequest> search);

  std::shared_ptr<JobThread> thread_;
  // Made, used and freed on the thread; the pointer's box is shared with its jobs.
  std::shared_ptr<std::unique_ptr<Session>> session_;
  Napi::ObjectReference info_;
  int64_t counted_bytes_ = 0;  // told to the garbage collector
};

// The usual place of a job's cost.
constexpr auto kUsageField = [](auto& result) -> Usage& { return result.usage; };

template <typename T, typename Work, typename UsageOf, typename Convert>
Napi::Value SessionWrap::Submit(Napi::Env env, CancelFlag flag, Work work, UsageOf usage_of, Convert convert) {
  auto run = [session = session_, thread = thread_.get(), flag = std::move(flag),
              queued = std::chrono::steady_clock::now(), work = std::move(work), usage_of]() mutable -> Result<T> {
    const Cancellation cancellation(thread, flag);
    if (cancellation.requested()) return cancellation.status();
    const double waited = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - queued).count();
    Result<T> result = work(**session, cancellation);
    if (result.ok()) usage_of(result.value()).queue_ms = waited;
    return result;
  };
  return Job<T>::Start(env, Value(), thread_, std::move(run), std::move(convert));
}

}  // namespace autocog

#endif  // AUTOCOG_ADDON_CLASSES_SESSION_WRAP_H_
