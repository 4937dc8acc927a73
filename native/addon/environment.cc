// See environment.h.

#include "addon/environment.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/rpc/rpc_servers.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <pthread.h>
#endif

namespace autocog {

namespace {

// How long a thread may take to end before RPC servers are taken for lost.
constexpr std::chrono::seconds kPatience(3);

bool IsMainThread() {
#if defined(__linux__)
  return getpid() == syscall(SYS_gettid);
#elif defined(__APPLE__)
  return pthread_main_np() != 0;
#else
  return false;
#endif
}

}  // namespace

bool Environment::Install(Napi::Env env) {
  auto environment = std::unique_ptr<Environment>(new Environment(env));
  if (!environment->Start()) return false;
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); };
  if (napi_set_instance_data(env, environment.get(), finalize, nullptr) != napi_ok) {
    napi_remove_env_cleanup_hook(env, OnCleanup, environment.get());
    napi_release_threadsafe_function(environment->wake_, napi_tsfn_abort);
    return false;
  }
  // Node-API owns it now.
  return environment.release()->ShutDownOnExit();
}

// process.exit() and uncaught exceptions run no cleanup hooks on the main thread.
bool Environment::ShutDownOnExit() {
  const Napi::Value process = env_.Global().Get("process");
  if (process.IsEmpty() || !process.IsObject()) return false;
  const Napi::Value once = process.As<Napi::Object>().Get("once");
  const Napi::Value exit = Napi::String::New(env_, "exit");
  const Napi::Value listener =
      Napi::Function::New(env_, [](const Napi::CallbackInfo& info) { Environment::Get(info.Env())->Shutdown(); });
  if (once.IsEmpty() || !once.IsFunction() || exit.IsEmpty() || listener.IsEmpty()) return false;
  return !once.As<Napi::Function>().Call(process, {exit, listener}).IsEmpty();
}

Environment* Environment::Get(Napi::Env env) { return env.GetInstanceData<Environment>(); }

bool Environment::Start() {
  const Napi::Value name = Napi::String::New(env_, "autocog-lm");
  if (name.IsEmpty()) return false;
  if (napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, OnWake, &wake_) !=
      napi_ok) {
    return false;
  }
  // An idle model must not keep the process alive. Hooks run in reverse order: this one runs before the function
  // is torn down (rule 4).
  if (napi_unref_threadsafe_function(env_, wake_) == napi_ok &&
      napi_add_env_cleanup_hook(env_, OnCleanup, this) == napi_ok) {
    return true;
  }
  napi_release_threadsafe_function(wake_, napi_tsfn_abort);
  return false;
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
  for (const auto& thread : threads) {
    // A call to an RPC server cannot be canceled. Workers wait for it: others use the same connection.
    if (IsMainThread() && !thread->JoinFor(kPatience)) AbandonRpcServers();
    thread->Join();
  }
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
