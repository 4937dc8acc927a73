// See environment.h.

#include "addon/environment.h"

#include <algorithm>
#include <utility>

namespace autocog {

void Environment::Install(Napi::Env env) {
  env.SetInstanceData<Environment>(new Environment(env));
  // process.exit() and uncaught exceptions run no cleanup hooks on the main thread.
  Napi::Object process = env.Global().Get("process").As<Napi::Object>();
  Napi::Function once = process.Get("once").As<Napi::Function>();
  once.Call(process, {Napi::String::New(env, "exit"), Napi::Function::New(env, [](const Napi::CallbackInfo& info) {
                        Environment::Get(info.Env())->Shutdown();
                      })});
}

Environment* Environment::Get(Napi::Env env) { return env.GetInstanceData<Environment>(); }

Environment::Environment(Napi::Env env) : env_(env) {
  napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "autocog-lm"), 0, 1, nullptr, nullptr,
                                  this, OnWake, &wake_);
  // An idle model must not keep the process alive.
  napi_unref_threadsafe_function(env, wake_);
  // Hooks run in reverse order: this one runs before the function above is torn down (rule 4).
  napi_add_env_cleanup_hook(env, OnCleanup, this);
}

std::shared_ptr<JobThread> Environment::NewThread() {
  threads_.erase(std::remove_if(threads_.begin(), threads_.end(), [](const auto& thread) { return thread.expired(); }),
                 threads_.end());
  auto thread = std::make_shared<JobThread>();
  if (ended_) thread->Join();
  threads_.push_back(thread);
  return thread;
}

void Environment::BeginWork() {
  if (active_jobs_++ == 0) napi_ref_threadsafe_function(env_, wake_);
}

void Environment::EndWork() {
  if (--active_jobs_ == 0) napi_unref_threadsafe_function(env_, wake_);
}

void Environment::Send(std::unique_ptr<Event> event) {
  std::lock_guard<std::mutex> lock(mutex_);
  events_.push_back(std::move(event));
  // A single wake-up delivers all events queued until then.
  if (!closed_ && events_.size() == 1) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
}

void Environment::OnWake(napi_env env, napi_value, void* context, void*) {
  if (env != nullptr) static_cast<Environment*>(context)->DeliverAll(env);
}

void Environment::DeliverAll(Napi::Env env) {
  std::deque<std::unique_ptr<Event>> events;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    events.swap(events_);
  }
  for (auto& event : events) {
    Napi::HandleScope scope(env);
    event->Deliver(env);
    event.reset();
  }
}

void Environment::Shutdown() {
  ended_ = true;
  std::vector<std::shared_ptr<JobThread>> threads;
  for (const auto& each : threads_) {
    if (auto thread = each.lock()) threads.push_back(std::move(thread));
  }
  // Stop all threads before waiting for any of them.
  for (const auto& thread : threads) thread->Stop();
  for (const auto& thread : threads) thread->Join();
  for (Closable* closable : closables_) closable->CloseNow();
  // Threads of other environments may continue to log.
  if (log) log->Stop();
}

void Environment::OnCleanup(void* data) {
  auto* self = static_cast<Environment*>(data);
  self->Shutdown();
  Napi::HandleScope scope(self->env_);
  std::deque<std::unique_ptr<Event>> events;
  {
    std::lock_guard<std::mutex> lock(self->mutex_);
    self->closed_ = true;
    events.swap(self->events_);
  }
  // Undelivered jobs hold references that may be dropped only on this thread (rule 3).
  events.clear();
  napi_release_threadsafe_function(self->wake_, napi_tsfn_abort);
}

}  // namespace autocog
