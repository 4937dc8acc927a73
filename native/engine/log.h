// llama.cpp's log, which is one for the process and is called from any thread. Nothing is
// printed; warnings and errors of the current thread are kept while a LogCapture stands, so
// that a failure can say what the engine said.

#ifndef AUTOCOG_ENGINE_LOG_H_
#define AUTOCOG_ENGINE_LOG_H_

#include <string>

namespace autocog {

// Takes over llama.cpp's log. Idempotent, thread-safe.
void InstallLog();

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

#endif  // AUTOCOG_ENGINE_LOG_H_
