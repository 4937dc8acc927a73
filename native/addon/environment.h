// What one JavaScript environment (the main thread or a worker_thread) owns here: the way
// back from engine threads to its own thread, and the engine threads that it must end.
//
// Lifetime rules, cited where they are enforced:
//  1. `env` is touched on the JavaScript thread only. A job takes C++ values with it.
//  2. A pending job holds its JavaScript object, so nothing is collected while it works.
//  3. A Job is created and destroyed on the JavaScript thread; in between one engine thread
//     works on it.
//  4. The environment's end (its cleanup hook, or 'exit' of the process, which runs no hooks)
//     ends every engine thread and frees what they worked on, before the queue goes and before
//     llama.cpp's static objects do.

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

// Something that an engine thread hands to the JavaScript thread.
class Event {
 public:
  virtual ~Event() = default;
  // JavaScript thread, once, inside a handle scope.
  virtual void Deliver(Napi::Env env) = 0;
};

// A wrapped object that frees what it holds when the environment ends.
class Closable {
 public:
  virtual ~Closable() = default;
  // JavaScript thread, when every engine thread has ended. Idempotent.
  virtual void CloseNow() = 0;
};

class Environment {
 public:
  // Creates the environment's data. Call once, when the addon is loaded into it.
  static void Install(Napi::Env env);
  static Environment* Get(Napi::Env env);
  ~Environment() = default;

  // A new engine thread that is ended with the environment; one that takes no jobs if that
  // has come.
  std::shared_ptr<JobThread> NewThread();

  // Objects to close when the environment ends.
  void Add(Closable* closable) { closables_.insert(closable); }
  void Remove(Closable* closable) { closables_.erase(closable); }

  // Ends all engine threads and closes all objects (rule 4). Idempotent.
  void Shutdown();

  // The constructors of our classes here; set when those are installed.
  Napi::FunctionReference model_class;
  Napi::FunctionReference session_class;
  Napi::FunctionReference adapter_class;

  // Who gets the log; null for nobody. Stopped with the environment.
  std::shared_ptr<LogSubscription> log;
  Napi::FunctionReference embedder_class;

  // Keeps the process alive between the two, counted. JavaScript thread.
  void BeginWork();
  void EndWork();

  // Queues `event` for the JavaScript thread. Any thread.
  void Send(std::unique_ptr<Event> event);

 private:
  explicit Environment(Napi::Env env);
  static void OnWake(napi_env env, napi_value callback, void* context, void* data);
  static void OnCleanup(void* self);
  void DeliverAll(Napi::Env env);

  Napi::Env env_;
  napi_threadsafe_function wake_ = nullptr;
  int working_ = 0;
  std::vector<std::weak_ptr<JobThread>> threads_;
  std::set<Closable*> closables_;
  bool ended_ = false;
  std::mutex mutex_;
  std::deque<std::unique_ptr<Event>> events_;  // guarded by mutex_
  bool closed_ = false;                        // guarded by mutex_
};

}  // namespace autocog

#endif  // AUTOCOG_ADDON_ENVIRONMENT_H_
