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

thread_local LogCapture* innermost_capture = nullptr;

// Limit on captured text and on the length of a line, in bytes.
constexpr size_t kMaxBytes = 16 * 1024;

struct Listeners {
  std::mutex mutex;
  std::map<uint64_t, std::pair<LogLevel, LogListener>> all;  // guarded by mutex
  uint64_t last_id = 0;                                      // guarded by mutex
  // The lowest level of all listeners. Usually there is none, and then nothing is locked.
  std::atomic<int> min_level{static_cast<int>(LogLevel::kError) + 1};
};

// Never destroyed, since threads may log until the process ends.
Listeners& GlobalListeners() {
  static auto* listeners = new Listeners;
  return *listeners;
}

void UpdateMinLevel(Listeners* listeners) {
  int min_level = static_cast<int>(LogLevel::kError) + 1;
  for (const auto& [id, listener] : listeners->all) min_level = std::min(min_level, static_cast<int>(listener.first));
  listeners->min_level = min_level;
}

// The unfinished log line of a thread.
class PartialLine {
 public:
  ~PartialLine() { End(); }

  void Add(int level, const char* text) {
    // llama.cpp logs some lines in pieces, marked as CONT or with the level of the first piece.
    const bool continues_line = level == GGML_LOG_LEVEL_CONT || level == static_cast<int>(level_);
    if (!continues_line) {
      End();
      level_ = LevelOf(level);
    }
    if (static_cast<int>(level_) < GlobalListeners().min_level.load(std::memory_order_relaxed)) {
      text_.clear();
      return;
    }
    for (; *text != '\0'; ++text) {
      if (*text == '\n') {
        End();
      } else if (text_.size() < kMaxBytes) {
        text_ += *text;
      }
    }
  }

 private:
  static LogLevel LevelOf(int level) {
    const bool known = level >= GGML_LOG_LEVEL_DEBUG && level <= GGML_LOG_LEVEL_ERROR;
    return known ? static_cast<LogLevel>(level) : LogLevel::kInfo;
  }

  // Drops empty lines, which llama.cpp uses as separators.
  void End() {
    if (text_.empty()) return;
    Listeners& listeners = GlobalListeners();
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
  thread_local PartialLine line;
  try {
    line.Add(level, text);
  } catch (const std::exception&) {
    // Out of memory: drop the line, since exceptions must not propagate into llama.cpp's C code.
  }
}

}  // namespace

void OnLog(int level, const char* text) {
  LogCapture* capture = innermost_capture;
  if (capture == nullptr || !capture->hidden_) OnLine(level, text);
  if (capture == nullptr) return;
  if (level != GGML_LOG_LEVEL_CONT) {
    capture->capturing_ = level == GGML_LOG_LEVEL_WARN || level == GGML_LOG_LEVEL_ERROR;
  }
  if (capture->capturing_ && capture->lines_.size() < kMaxBytes) capture->lines_ += text;
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

uint64_t AddLogListener(LogLevel min_level, LogListener listener) {
  Listeners& listeners = GlobalListeners();
  const std::lock_guard<std::mutex> lock(listeners.mutex);
  const uint64_t id = ++listeners.last_id;
  listeners.all.emplace(id, std::pair(min_level, std::move(listener)));
  UpdateMinLevel(&listeners);
  return id;
}

void RemoveLogListener(uint64_t id) {
  Listeners& listeners = GlobalListeners();
  const std::lock_guard<std::mutex> lock(listeners.mutex);
  listeners.all.erase(id);
  UpdateMinLevel(&listeners);
}

LogCapture::LogCapture(bool hidden) : outer_(innermost_capture), hidden_(hidden || (outer_ && outer_->hidden_)) {
  innermost_capture = this;
}

LogCapture::~LogCapture() { innermost_capture = outer_; }

std::string LogCapture::text() const {
  std::string text = lines_;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace autocog
