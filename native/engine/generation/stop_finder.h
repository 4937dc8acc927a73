// Finds the earliest of several stop strings in a growing text. The result depends only on the text, not
// on its tokenization. Not thread-safe.

#ifndef AUTOCOG_ENGINE_GENERATION_STOP_FINDER_H_
#define AUTOCOG_ENGINE_GENERATION_STOP_FINDER_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace autocog {

class StopFinder {
 public:
  static constexpr size_t kNone = std::string::npos;

  // REQUIRES: non-empty stop strings.
  explicit StopFinder(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  // Appends to the text. Returns true once a stop string was found that no earlier one can preempt.
  bool Append(const std::string& bytes);

  const std::string& text() const { return text_; }
  // The start of the earliest stop string so far, the shortest of several; kNone if there is none.
  size_t begin() const { return begin_; }
  size_t end() const { return begin_ + stops_[stop_].size(); }
  // The index of that stop string. REQUIRES: begin() != kNone.
  size_t stop() const { return stop_; }
  // The number of leading bytes that precede any stop string, whatever follows.
  size_t safe_length() const;

 private:
  // The start of the longest suffix of the text that is a proper prefix of a stop string; text().size()
  // if there is none.
  size_t EarliestPartialStop() const;

  std::vector<std::string> stops_;
  std::string text_;
  size_t begin_ = kNone;
  size_t stop_ = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_STOP_FINDER_H_
