// llama.cpp's log, which is one for the process and is called from any thread. Nothing is
// printed: whole lines go to whoever listens, and warnings and errors of the current thread are
// kept while a LogCapture stands, so that a failure can say what the engine said.

#ifndef AUTOCOG_ENGINE_COMMON_LOG_H_
#define AUTOCOG_ENGINE_COMMON_LOG_H_

#include <cstdint>
#include <functional>
#include <string>

namespace autocog {

// Takes over llama.cpp's log. Idempotent, thread-safe.
void InstallLog();

enum class LogLevel { kDebug = 1, kInfo = 2, kWarn = 3, kError = 4 };

// The name that JavaScript sees.
const char* LogLevelName(LogLevel level);

// Gets a line without its end, on the thread that logged it. Lines of one thread come in their
// order, and no two at once. It must be quick, and neither throw nor log.
using LogListener = std::function<void(LogLevel, const std::string&)>;

// From now on `listener` gets every line of `least` or above. Gives what RemoveLogListener
// takes. Any thread, but not a listener.
uint64_t AddLogListener(LogLevel least, LogListener listener);

// When it returns, the listener is not running and does not run again.
void RemoveLogListener(uint64_t id);

// Collects this thread's warnings and errors between construction and destruction.
// Captures nest; the innermost collects.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  // Lines so far, without the trailing line end.
  std::string text() const;

 private:
  LogCapture* outer_;
  std::string lines_;
  bool keeping_ = false;

  friend void OnLog(int level, const char* text);
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_LOG_H_
