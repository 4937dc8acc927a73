// Redirects llama.cpp's log, which is global and called from any thread. Nothing is printed: complete
// lines go to the listeners. A LogCapture also collects the warnings and errors of its thread, so that
// an error can include what llama.cpp logged.

#ifndef AUTOCOG_ENGINE_COMMON_LOG_H_
#define AUTOCOG_ENGINE_COMMON_LOG_H_

#include <cstdint>
#include <functional>
#include <string>

namespace autocog {

// Redirects llama.cpp's log to this module. Idempotent, thread-safe.
void InstallLog();

enum class LogLevel { kDebug = 1, kInfo = 2, kWarn = 3, kError = 4 };

// The level's name in JavaScript.
const char* LogLevelName(LogLevel level);

// Called with a line without its newline, on the thread that logged it. Calls are serialized, and the
// lines of one thread arrive in order. Must be fast, and must neither throw nor log.
using LogListener = std::function<void(LogLevel, const std::string&)>;

// Adds a listener for lines of `min_level` or above. Returns an id for RemoveLogListener. Callable from
// any thread, but not from a listener.
uint64_t AddLogListener(LogLevel min_level, LogListener listener);

// Once this returns, the listener is not running and will not be called again.
void RemoveLogListener(uint64_t id);

// Collects this thread's warnings and errors between construction and destruction.
// Captures can be nested; only the innermost collects.
class LogCapture {
 public:
  // `hidden`: no line of this thread reaches the listeners meanwhile.
  explicit LogCapture(bool hidden = false);
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  // The lines so far, without the trailing newline.
  std::string text() const;

 private:
  LogCapture* outer_;
  std::string lines_;
  bool capturing_ = false;
  bool hidden_;

  friend void OnLog(int level, const char* text);
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_LOG_H_
