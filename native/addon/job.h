// The promise bridge behind every asynchronous method. `work` runs on an engine thread and returns a
// Result<T>; the promise settles on the JavaScript thread, where `convert` turns the T into a
// JavaScript value.

#ifndef AUTOCOG_ADDON_JOB_H_
#define AUTOCOG_ADDON_JOB_H_

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "addon/environment.h"
#include "addon/napi_common.h"
#include "addon/values/errors.h"
#include "engine/common/status.h"

namespace autocog {

template <typename T>
class Job final : public Event {
 public:
  using Work = std::function<Result<T>()>;
  using Convert = std::function<Napi::Value(Napi::Env, T&)>;

  // Posts `work` to `thread` and returns a promise of its result. `owner` is kept alive until it settles.
  // Does nothing in a worker that is being terminated (rule 5).
  static Napi::Value Start(Napi::Env env, Napi::Object owner, const std::shared_ptr<JobThread>& thread, Work work,
                           Convert convert) {
    Environment* environment = Environment::Get(env);
    // Not Napi::Promise::Deferred, whose members are uninitialized if this fails.
    napi_deferred deferred = nullptr;
    napi_value promise = nullptr;
    if (napi_create_promise(env, &deferred, &promise) != napi_ok) return env.Undefined();
    auto job = std::unique_ptr<Job>(new Job(deferred, owner, std::move(work), std::move(convert)));
    environment->BeginWork();
    Job* raw = job.release();
    const bool posted = thread->Post([environment, raw] {
      raw->result_.emplace(raw->work_());
      environment->Send(std::unique_ptr<Event>(raw));
    });
    if (!posted) {
      raw->result_.emplace(Status(Code::kClosed, "The model or session is closed"));
      environment->Send(std::unique_ptr<Event>(raw));
    }
    return Napi::Value(env, promise);
  }

  void Deliver(Napi::Env env) override {
    Environment::Get(env)->EndWork();
    if (!result_->ok()) {
      napi_reject_deferred(env, deferred_, ToError(env, result_->status()));
      return;
    }
    Napi::Value value = convert_(env, result_->value());
    if (env.IsExceptionPending()) {
      napi_reject_deferred(env, deferred_, env.GetAndClearPendingException().Value());
    } else {
      napi_resolve_deferred(env, deferred_, value);
    }
  }

 private:
  Job(napi_deferred deferred, Napi::Object owner, Work work, Convert convert)
      : deferred_(deferred), owner_(Napi::Persistent(owner)), work_(std::move(work)), convert_(std::move(convert)) {}

  napi_deferred deferred_;
  Napi::ObjectReference owner_;  // rule 2
  Work work_;
  Convert convert_;
  std::optional<Result<T>> result_;
};

// The result type of work that returns nothing.
struct Nothing {};

inline Napi::Value ToUndefined(Napi::Env env, Nothing&) { return env.Undefined(); }

}  // namespace autocog

#endif  // AUTOCOG_ADDON_JOB_H_
