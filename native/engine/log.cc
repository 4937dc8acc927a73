// See log.h.

#include "engine/log.h"

#include <mutex>

#include "ggml.h"
#include "llama.h"

namespace autocog {

namespace {

thread_local LogCapture* innermost = nullptr;

// One failing load must not collect megabytes.
constexpr size_t kMostBytes = 16 * 1024;

}  // namespace

void OnLog(int level, const char* text) {
  LogCapture* capture = innermost;
  if (capture == nullptr) return;
  if (level != GGML_LOG_LEVEL_CONT) {
    capture->keeping_ = level == GGML_LOG_LEVEL_WARN || level == GGML_LOG_LEVEL_ERROR;
  }
  if (capture->keeping_ && capture->lines_.size() < kMostBytes) capture->lines_ += text;
}

void InstallLog() {
  static std::once_flag once;
  std::call_once(
      once, [] { llama_log_set([](ggml_log_level level, const char* text, void*) { OnLog(level, text); }, nullptr); });
}

LogCapture::LogCapture() : outer_(innermost) { innermost = this; }

LogCapture::~LogCapture() { innermost = outer_; }

std::string LogCapture::text() const {
  std::string text = lines_;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace autocog
