// The addon's state per JavaScript environment (the main thread or a worker thread): the event queue
// from engine threads to the JavaScript thread, and the engine threads to end at shutdown.
//
// Lifetime rules, cited where they are enforced:
//  1. `env` is used on the JavaScript thread only. Jobs carry only C++ values to engine threads.
//  2. A pending job holds a reference to its JavaScript object, which therefore is not collected.
//  3. A Job is created and destroyed on the JavaScript thread; in between it belongs to one engine
//     thread.
//  4. When the environment ends (its cleanup hook, or the process's 'exit' event, since process.exit()
//     runs no hooks), all engine threads are joined and their objects freed, before the event queue
//     and before llama.cpp's static objects are destroyed.
//  5. A worker may be terminated at any moment, and then the next Node-API call fails. No result is used before
//     it was checked: an empty Napi value has no env, and the next call with it ends the process.

#ifndef AUTOCOG_ADDON_ENVIRONMENT_H_
#define AUTOCOG_ADDON_ENVIRONMENT_H_

#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "addon/classes/log_wrap.h"
#include "addon/napi_common.h"
#include "engine/common/job_thread.h"

namespace autocog {

// A message from an engine thread to the JavaScript thread.
class Event {
 public:
  virtual ~Event() = default;
  // JavaScript thread, once, inside a handle scope.
  virtual void Deliver(Napi::Env env) = 0;
};

// A wrapped object that releases its resources when the environment ends.
class Closable {
 public:
  virtual ~Closable() = default;
  // JavaScript thread, after all engine threads have ended. Idempotent.
  virtual void CloseNow() = 0;
};

class Environment {
 public:
  // Creates the environment's data. Called once, when the addon is loaded into the environment. False if a
  // Node-API call fails, as all of them do in a worker that is being terminated: then nothing is left behind.
  [[nodiscard]] static bool Install(Napi::Env env);
  static Environment* Get(Napi::Env env);
  ~Environment() = default;

  // A new engine thread that ends with the environment. After Shutdown() it accepts no jobs.
  std::shared_ptr<JobThread> NewThread();

  // Objects to close when the environment ends.
  void Add(Closable* closable) { closables_.insert(closable); }
  void Remove(Closable* closable) { closables_.erase(closable); }

  // Ends all engine threads and closes all objects (rule 4). Idempotent.
  void Shutdown();

  // The constructors of the wrapped classes; set by their Install().
  Napi::FunctionReference model_class;
  Napi::FunctionReference session_class;
  Napi::FunctionReference adapter_class;
  Napi::FunctionReference embedder_class;

  // The log listener, or null. Stopped with the environment.
  std::shared_ptr<LogSubscription> log;

  // The process is kept alive while there are more BeginWork() than EndWork() calls. JavaScript thread.
  void BeginWork();
  void EndWork();

  // Queues `event` for the JavaScript thread. Callable from any thread.
  void Send(std::unique_ptr<Event> event);

 private:
  explicit Environment(Napi::Env env) : env_(env) {}
  // Creates the event queue and the hooks.
  bool Start();
  bool ShutDownOnExit();
  static void OnWake(napi_env env, napi_value callback, void* context, void* data);
  static void OnCleanup(void* self);
  void DeliverAll(Napi::Env env);

  Napi::Env env_;
  napi_threadsafe_function wake_ = nullptr;
  int active_jobs_ = 0;
  std::vector<std::weak_ptr<JobThread>> threads_;
  std::set<Closable*> closables_;
  bool ended_ = false;
  std::mutex mutex_;
  std::deque<std::unique_ptr<Event>> events_;  // guarded by mutex_
  bool closed_ = false;                        // guarded by mutex_
};

}  // namespace autocog

#endif  // AUTOCOG_ADDON_ENVIRONMENT_H_
