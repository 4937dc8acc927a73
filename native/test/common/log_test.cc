// The log: from llama.cpp's pieces to complete lines.

#include "engine/common/log.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ggml.h"
#include "test/common/check.h"

namespace autocog::test {

namespace {

using Lines = std::vector<std::pair<LogLevel, std::string>>;

// Logs as llama.cpp does.
void Log(ggml_log_level level, const char* text) {
  InstallLog();
  ggml_log_callback callback = nullptr;
  void* data = nullptr;
  ggml_log_get(&callback, &data);
  callback(level, text, data);
}

uint64_t Collect(LogLevel min_level, Lines* lines) {
  return AddLogListener(min_level,
                        [lines](LogLevel level, const std::string& text) { lines->emplace_back(level, text); });
}

}  // namespace

TEST_CASE("pieces of a line are joined, and several lines of one call are split") {
  Lines lines;
  const uint64_t id = Collect(LogLevel::kDebug, &lines);
  Log(GGML_LOG_LEVEL_INFO, "one ");
  Log(GGML_LOG_LEVEL_CONT, "two ");
  EXPECT(lines.empty());
  Log(GGML_LOG_LEVEL_INFO, "three\nfour\n\nfive");
  Log(GGML_LOG_LEVEL_CONT, ".\n");
  const Lines expected = {{LogLevel::kInfo, "one two three"}, {LogLevel::kInfo, "four"}, {LogLevel::kInfo, "five."}};
  EXPECT(lines == expected);
  RemoveLogListener(id);
}

TEST_CASE("a different level ends a line, and so does the end of the thread") {
  Lines lines;
  const uint64_t id = Collect(LogLevel::kDebug, &lines);
  Log(GGML_LOG_LEVEL_INFO, "open");
  Log(GGML_LOG_LEVEL_ERROR, "broken\n");
  Log(GGML_LOG_LEVEL_NONE, "plain\n");
  std::thread([] { Log(GGML_LOG_LEVEL_WARN, "last words"); }).join();
  const Lines expected = {{LogLevel::kInfo, "open"},
                          {LogLevel::kError, "broken"},
                          {LogLevel::kInfo, "plain"},
                          {LogLevel::kWarn, "last words"}};
  EXPECT(lines == expected);
  RemoveLogListener(id);
}

TEST_CASE("a listener receives lines of its levels until it is removed") {
  Lines all;
  Lines warnings;
  const uint64_t first = Collect(LogLevel::kDebug, &all);
  const uint64_t second = Collect(LogLevel::kWarn, &warnings);
  Log(GGML_LOG_LEVEL_DEBUG, "debug\n");
  Log(GGML_LOG_LEVEL_WARN, "warn\n");
  Log(GGML_LOG_LEVEL_CONT, "more\n");
  EXPECT(all.size() == 3 && warnings.size() == 2);
  RemoveLogListener(first);
  Log(GGML_LOG_LEVEL_ERROR, "error\n");
  EXPECT(all.size() == 3 && warnings.size() == 3);
  RemoveLogListener(second);
  Log(GGML_LOG_LEVEL_ERROR, "no listener\n");
  EXPECT(all.size() == 3 && warnings.size() == 3);
}

TEST_CASE("lines of different threads are not interleaved") {
  Lines lines;
  const uint64_t id = Collect(LogLevel::kInfo, &lines);
  std::vector<std::thread> threads;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    threads.emplace_back([letter] {
      const std::string piece(50, letter);
      for (int i = 0; i < 200; ++i) {
        Log(GGML_LOG_LEVEL_INFO, piece.c_str());
        Log(GGML_LOG_LEVEL_CONT, (piece + "\n").c_str());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  RemoveLogListener(id);
  bool whole = true;
  for (const auto& [level, text] : lines) whole = whole && text == std::string(100, text[0]);
  EXPECT(lines.size() == 800);
  EXPECT(whole);
}

}  // namespace autocog::test
