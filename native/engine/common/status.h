// The engine's error type: a code, a message for the caller, and llama.cpp's log output as the cause.
// Values instead of exceptions, so that they can cross threads. The addon converts them to JavaScript
// errors by their code; nothing parses messages.

#ifndef AUTOCOG_ENGINE_COMMON_STATUS_H_
#define AUTOCOG_ENGINE_COMMON_STATUS_H_

#include <string>
#include <utility>
#include <variant>

namespace autocog {

enum class Code {
  kOk,
  kAborted,
  kClosed,
  kContextOverflow,
  kDecodeFailed,
  kInternal,
  kInvalidArgument,
  kModelLoad,
  kNotSupported,
  kOutOfMemory,
  kOutOfRange,
  kStateMismatch,
};

// The value of `error.code` in JavaScript. Never null.
const char* CodeName(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message, std::string cause = {})
      : code_(code), message_(std::move(message)), cause_(std::move(cause)) {}

  static Status Ok() { return {}; }

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  // What llama.cpp logged or threw when it failed; may be empty.
  const std::string& cause() const { return cause_; }

 private:
  Code code_ = Code::kOk;
  std::string message_;
  std::string cause_;
};

// Either a value or an error status.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}         // NOLINT: implicit by design
  Result(Status status) : state_(std::move(status)) {}  // NOLINT: implicit by design

  bool ok() const { return std::holds_alternative<T>(state_); }
  // REQUIRES: ok().
  T& value() { return std::get<T>(state_); }
  // REQUIRES: !ok().
  const Status& status() const { return std::get<Status>(state_); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_STATUS_H_
