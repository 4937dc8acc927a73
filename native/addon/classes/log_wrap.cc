// See log_wrap.h.

#include "addon/classes/log_wrap.h"

#include <optional>
#include <string>
#include <utility>

#include "addon/environment.h"
#include "addon/values/values.h"

namespace autocog {

namespace {

// Lines that wait for a busy event loop. More than any load logs, and a few megabytes.
constexpr int kMostWaiting = 20000;

class LogEvent final : public Event {
 public:
  LogEvent(std::shared_ptr<LogSubscription> subscription, LogLevel level, std::string text)
      : subscription_(std::move(subscription)), level_(level), text_(std::move(text)) {}
  void Deliver(Napi::Env env) override { subscription_->Deliver(env, level_, text_); }

 private:
  std::shared_ptr<LogSubscription> subscription_;
  LogLevel level_;
  std::string text_;
};

std::optional<LogLevel> ToLevel(const std::string& name) {
  for (LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    if (name == LogLevelName(level)) return level;
  }
  return std::nullopt;
}

}  // namespace

std::shared_ptr<LogSubscription> LogSubscription::Start(Environment* environment, Napi::Function function,
                                                        LogLevel least) {
  std::shared_ptr<LogSubscription> made(new LogSubscription(environment, std::move(function)));
  // The last reference must go on the JavaScript thread (rule 3): the engine's threads get none
  // of their own, only what an event carries back.
  made->listener_ =
      AddLogListener(least, [weak = std::weak_ptr<LogSubscription>(made)](LogLevel level, const std::string& text) {
        if (auto self = weak.lock()) Send(self, level, text);
      });
  return made;
}

LogSubscription::LogSubscription(Environment* environment, Napi::Function function)
    : environment_(environment), function_(Napi::Persistent(function)) {}

LogSubscription::~LogSubscription() { Stop(); }

void LogSubscription::Stop() {
  if (listener_ != 0) RemoveLogListener(listener_);
  listener_ = 0;
}

void LogSubscription::Send(const std::shared_ptr<LogSubscription>& self, LogLevel level, const std::string& text) {
  if (self->waiting_.fetch_add(1) >= kMostWaiting) {
    --self->waiting_;
    ++self->dropped_;
    return;
  }
  self->environment_->Send(std::make_unique<LogEvent>(self, level, text));
}

void LogSubscription::Deliver(Napi::Env env, LogLevel level, const std::string& text) {
  --waiting_;
  if (listener_ == 0) return;
  Call(env, level, text);
  const int dropped = dropped_.exchange(0);
  if (dropped == 0) return;
  Call(env, LogLevel::kWarn, "autocog-lm: " + std::to_string(dropped) + " lines dropped, the event loop was too busy");
}

void LogSubscription::Call(Napi::Env env, LogLevel level, const std::string& text) {
  // lib hands in a function that does not throw.
  function_.Call({Napi::String::New(env, LogLevelName(level)), Napi::String::New(env, text)});
}

// setLogger(listener: function, level: string): void
// llama_log_set
Napi::Value SetLogger(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto name = ReadString(info, 1);
  if (!name) return env.Undefined();
  const auto level = ToLevel(*name);
  if (!level) {
    Napi::TypeError::New(env, "Native call: expected a level of the log").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  InstallLog();
  Environment* environment = Environment::Get(env);
  if (environment->log) environment->log->Stop();
  environment->log.reset();
  if (info[0].IsFunction()) {
    environment->log = LogSubscription::Start(environment, info[0].As<Napi::Function>(), *level);
  }
  return env.Undefined();
}

}  // namespace autocog
