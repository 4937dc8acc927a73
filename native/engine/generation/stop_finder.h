// Finds the earliest of several stop texts in a text that grows. What it finds depends on the
// text alone and not on where it is cut into tokens. Plain memory, one thread.

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

  // REQUIRES: no empty stops.
  explicit StopFinder(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  // More of the text. True once a stop was found and none that begins before it can come.
  bool Append(const std::string& bytes);

  const std::string& text() const { return text_; }
  // The stop with the earliest beginning so far, the shortest of several; kNone without one.
  size_t begin() const { return begin_; }
  size_t end() const { return begin_ + stops_[stop_].size(); }
  // Its index. REQUIRES: begin() != kNone.
  size_t stop() const { return stop_; }
  // So many bytes of the text come before any stop, whatever follows.
  size_t certain() const;

 private:
  // Where the longest end of the text that may be the beginning of a stop begins; text().size()
  // where none may.
  size_t PossibleBegin() const;

  std::vector<std::string> stops_;
  std::string text_;
  size_t begin_ = kNone;
  size_t stop_ = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_STOP_FINDER_H_
