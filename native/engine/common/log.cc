// See log.h.

#include "engine/common/log.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <utility>

#include "ggml.h"
#include "llama.h"

namespace autocog {

namespace {

thread_local LogCapture* innermost = nullptr;

// One failing load must not collect megabytes.
constexpr size_t kMostBytes = 16 * 1024;

struct Listeners {
  std::mutex mutex;
  std::map<uint64_t, std::pair<LogLevel, LogListener>> all;  // guarded by mutex
  uint64_t last_id = 0;                                      // guarded by mutex
  // The lowest level that anybody wants: most of the time nobody does, and nothing is locked.
  std::atomic<int> least{static_cast<int>(LogLevel::kError) + 1};
};

// Never destroyed: threads may log until the process ends.
Listeners& TheListeners() {
  static auto* listeners = new Listeners;
  return *listeners;
}

void UpdateLeast(Listeners* listeners) {
  int least = static_cast<int>(LogLevel::kError) + 1;
  for (const auto& [id, listener] : listeners->all) least = std::min(least, static_cast<int>(listener.first));
  listeners->least = least;
}

// What this thread has logged of a line that has not ended.
class OpenLine {
 public:
  ~OpenLine() { End(); }

  void Add(int level, const char* text) {
    // llama.cpp writes some lines in pieces, marked as such or all of one level.
    const bool goes_on = level == GGML_LOG_LEVEL_CONT || level == static_cast<int>(level_);
    if (!goes_on) {
      End();
      level_ = LevelOf(level);
    }
    if (static_cast<int>(level_) < TheListeners().least.load(std::memory_order_relaxed)) {
      text_.clear();
      return;
    }
    for (; *text != '\0'; ++text) {
      if (*text == '\n') {
        End();
      } else if (text_.size() < kMostBytes) {
        text_ += *text;
      }
    }
  }

 private:
  static LogLevel LevelOf(int level) {
    const bool known = level >= GGML_LOG_LEVEL_DEBUG && level <= GGML_LOG_LEVEL_ERROR;
    return known ? static_cast<LogLevel>(level) : LogLevel::kInfo;
  }

  // Empty lines only set others apart.
  void End() {
    if (text_.empty()) return;
    Listeners& listeners = TheListeners();
    const std::lock_guard<std::mutex> lock(listeners.mutex);
    for (const auto& [id, listener] : listeners.all) {
      if (level_ >= listener.first) listener.second(level_, text_);
    }
    text_.clear();
  }

  LogLevel level_ = LogLevel::kInfo;
  std::string text_;
};

void OnLine(int level, const char* text) {
  thread_local OpenLine line;
  try {
    line.Add(level, text);
  } catch (const std::exception&) {
    // No memory for a line of the log; and llama.cpp's C code is no place to throw.
  }
}

}  // namespace

void OnLog(int level, const char* text) {
  OnLine(level, text);
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

const char* LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

uint64_t AddLogListener(LogLevel least, LogListener listener) {
  Listeners& listeners = TheListeners();
  const std::lock_guard<std::mutex> lock(listeners.mutex);
  const uint64_t id = ++listeners.last_id;
  listeners.all.emplace(id, std::pair(least, std::move(listener)));
  UpdateLeast(&listeners);
  return id;
}

void RemoveLogListener(uint64_t id) {
  Listeners& listeners = TheListeners();
  const std::lock_guard<std::mutex> lock(listeners.mutex);
  listeners.all.erase(id);
  UpdateLeast(&listeners);
}

LogCapture::LogCapture() : outer_(innermost) { innermost = this; }

LogCapture::~LogCapture() { innermost = outer_; }

std::string LogCapture::text() const {
  std::string text = lines_;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace autocog
