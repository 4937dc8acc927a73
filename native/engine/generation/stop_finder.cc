// See stop_finder.h.

#include "engine/generation/stop_finder.h"

#include <algorithm>

namespace autocog {

bool StopFinder::Append(const std::string& bytes) {
  const size_t seen = text_.size();
  text_ += bytes;
  for (size_t i = 0; i < stops_.size(); ++i) {
    const std::string& stop = stops_[i];
    const size_t from = seen >= stop.size() ? seen - stop.size() + 1 : 0;
    const size_t found = text_.find(stop, from);
    if (found == kNone) continue;
    if (found < begin_ || (found == begin_ && stop.size() < stops_[stop_].size())) {
      begin_ = found;
      stop_ = i;
    }
  }
  return begin_ != kNone && EarliestPartialStop() >= begin_;
}

size_t StopFinder::safe_length() const { return std::min(begin_, EarliestPartialStop()); }

size_t StopFinder::EarliestPartialStop() const {
  size_t earliest = text_.size();
  for (const std::string& stop : stops_) {
    const size_t max_length = std::min(stop.size() - 1, text_.size());
    for (size_t length = max_length; length > 0; --length) {
      if (text_.size() - length >= earliest) break;
      if (text_.compare(text_.size() - length, length, stop, 0, length) != 0) continue;
      earliest = text_.size() - length;
      break;
    }
  }
  return earliest;
}

}  // namespace autocog
