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
  static Napi::Promise Start(Napi::Env env, Napi::Object owner, const std::shared_ptr<JobThread>& thread, Work work,
                             Convert convert) {
    Environment* environment = Environment::Get(env);
    auto job = std::unique_ptr<Job>(new Job(env, owner, std::move(work), std::move(convert)));
    Napi::Promise promise = job->deferred_.Promise();
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
    return promise;
  }

  void Deliver(Napi::Env env) override {
    Environment::Get(env)->EndWork();
    if (!result_->ok()) {
      deferred_.Reject(ToError(env, result_->status()));
      return;
    }
    Napi::Value value = convert_(env, result_->value());
    if (env.IsExceptionPending()) {
      deferred_.Reject(env.GetAndClearPendingException().Value());
    } else {
      deferred_.Resolve(value);
    }
  }

 private:
  Job(Napi::Env env, Napi::Object owner, Work work, Convert convert)
      : deferred_(Napi::Promise::Deferred::New(env)),
        owner_(Napi::Persistent(owner)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

  Napi::Promise::Deferred deferred_;
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
