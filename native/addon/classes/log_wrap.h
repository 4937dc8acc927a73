// Forwards the engine's log to JavaScript: at most one listener per environment.

#ifndef AUTOCOG_ADDON_CLASSES_LOG_WRAP_H_
#define AUTOCOG_ADDON_CLASSES_LOG_WRAP_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "addon/napi_common.h"
#include "engine/common/log.h"

namespace autocog {

class Environment;

// A JavaScript function that receives log lines from construction to destruction, both of which
// happen on the JavaScript thread.
class LogSubscription {
 public:
  static std::shared_ptr<LogSubscription> Start(Environment* environment, Napi::Function function, LogLevel min_level);
  ~LogSubscription();
  LogSubscription(const LogSubscription&) = delete;
  LogSubscription& operator=(const LogSubscription&) = delete;

  // Stops the delivery of lines. Idempotent.
  void Stop();
  // JavaScript thread. Does nothing once stopped.
  void Deliver(Napi::Env env, LogLevel level, const std::string& text);

 private:
  LogSubscription(Environment* environment, Napi::Function function);
  // Runs on the thread that logs. Queues the line, or drops it if too many are pending.
  static void Send(const std::shared_ptr<LogSubscription>& self, LogLevel level, const std::string& text);
  void Call(Napi::Env env, LogLevel level, const std::string& text);

  Environment* environment_;
  Napi::FunctionReference function_;
  uint64_t listener_ = 0;  // 0 once stopped
  std::atomic<int> pending_{0};
  std::atomic<int> dropped_{0};
};

// setLogger(listener, level): void
Napi::Value SetLogger(const Napi::CallbackInfo& info);

}  // namespace autocog

#endif  // AUTOCOG_ADDON_CLASSES_LOG_WRAP_H_
