// See log_wrap.h.

#include "addon/classes/log_wrap.h"

#include <optional>
#include <string>
#include <utility>

#include "addon/environment.h"
#include "addon/values/values.h"

namespace autocog {

namespace {

// Limit on lines queued for a busy event loop: a few megabytes, and more than loading any model logs.
constexpr int kMaxPending = 20000;

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
                                                        LogLevel min_level) {
  std::shared_ptr<LogSubscription> subscription(new LogSubscription(environment, std::move(function)));
  // The last reference must be dropped on the JavaScript thread (rule 3), so engine threads hold only
  // a weak one; the strong references are those of queued events.
  subscription->listener_ = AddLogListener(
      min_level, [weak = std::weak_ptr<LogSubscription>(subscription)](LogLevel level, const std::string& text) {
        if (auto self = weak.lock()) Send(self, level, text);
      });
  return subscription;
}

LogSubscription::LogSubscription(Environment* environment, Napi::Function function)
    : environment_(environment), function_(Napi::Persistent(function)) {}

LogSubscription::~LogSubscription() { Stop(); }

void LogSubscription::Stop() {
  if (listener_ != 0) RemoveLogListener(listener_);
  listener_ = 0;
}

void LogSubscription::Send(const std::shared_ptr<LogSubscription>& self, LogLevel level, const std::string& text) {
  if (self->pending_.fetch_add(1) >= kMaxPending) {
    --self->pending_;
    ++self->dropped_;
    return;
  }
  self->environment_->Send(std::make_unique<LogEvent>(self, level, text));
}

void LogSubscription::Deliver(Napi::Env env, LogLevel level, const std::string& text) {
  --pending_;
  if (listener_ == 0) return;
  Call(env, level, text);
  const int dropped = dropped_.exchange(0);
  if (dropped == 0) return;
  Call(env, LogLevel::kWarn,
       "autocog-lm: " + std::to_string(dropped) + " lines dropped because the event loop was busy");
}

void LogSubscription::Call(Napi::Env env, LogLevel level, const std::string& text) {
  // lib passes a function that does not throw.
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
    Napi::TypeError::New(env, "Native call: expected a log level").ThrowAsJavaScriptException();
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
