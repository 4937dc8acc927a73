// NativeSession of lib/native/binding.ts: an engine session on its own thread.

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
  // Defines the class in this environment. Instances are created only by Create().
  [[nodiscard]] static bool Install(Napi::Env env);
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
  Napi::Value Ingest(const Napi::CallbackInfo& info);
  Napi::Value Clear(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  // session_wrap_generation.cc
  Napi::Value Generate(const Napi::CallbackInfo& info);
  Napi::Value GenerateMany(const Napi::CallbackInfo& info);
  Napi::Value SearchBeams(const Napi::CallbackInfo& info);
  // session_wrap_automaton.cc
  Napi::Value SearchThoughts(const Napi::CallbackInfo& info);
  // session_wrap_steering.cc
  Napi::Value SetAdapters(const Napi::CallbackInfo& info);
  Napi::Value SetControlVector(const Napi::CallbackInfo& info);
  // session_wrap_state.cc
  Napi::Value SaveState(const Napi::CallbackInfo& info);
  Napi::Value LoadState(const Napi::CallbackInfo& info);

  void CountMemory(Napi::Env env, int64_t bytes);

  // Queues `work(session, cancellation)`, which is skipped once the session is closed or the call is
  // aborted. Records the time spent in the queue in the usage that `usage_of` returns for the result.
  template <typename T, typename Work, typename UsageOf, typename Convert>
  Napi::Value Submit(Napi::Env env, CancelFlag flag, Work work, UsageOf usage_of, Convert convert);

  Napi::Value SubmitTree(Napi::Env env, CancelFlag flag, Tokens prompt, TreeRequest request,
                         std::optional<SearchRequest> search);

  std::shared_ptr<JobThread> thread_;
  // Created, used and freed on the thread; the outer pointer is shared with its jobs.
  std::shared_ptr<std::unique_ptr<Session>> session_;
  Napi::ObjectReference info_;
  int64_t counted_bytes_ = 0;  // reported to the garbage collector
};

// The usage of most results.
constexpr auto kUsageField = [](auto& result) -> Usage& { return result.usage; };

template <typename T, typename Work, typename UsageOf, typename Convert>
Napi::Value SessionWrap::Submit(Napi::Env env, CancelFlag flag, Work work, UsageOf usage_of, Convert convert) {
  auto run = [session = session_, thread = thread_.get(), flag = std::move(flag),
              queued = std::chrono::steady_clock::now(), work = std::move(work), usage_of]() mutable -> Result<T> {
    const Cancellation cancellation(thread, flag);
    if (cancellation.requested()) return cancellation.status();
    const double queue_ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - queued).count();
    Result<T> result = work(**session, cancellation);
    if (result.ok()) usage_of(result.value()).queue_ms = queue_ms;
    return result;
  };
  return Job<T>::Start(env, Value(), thread_, std::move(run), std::move(convert));
}

}  // namespace autocog

#endif  // AUTOCOG_ADDON_CLASSES_SESSION_WRAP_H_
