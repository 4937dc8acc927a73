// Stop strings and UTF-8 characters in a text that arrives in pieces.

#include "engine/generation/stop_finder.h"

#include <random>
#include <string>
#include <vector>

#include "engine/generation/utf8.h"
#include "test/common/check.h"

namespace {

using autocog::IncompleteUtf8Length;
using autocog::StopFinder;

// The stop string that starts first, the shorter of two; by brute force.
struct Match {
  size_t begin = std::string::npos;
  size_t stop = 0;
};

Match Earliest(const std::string& text, const std::vector<std::string>& stops) {
  for (size_t begin = 0; begin < text.size(); ++begin) {
    Match match;
    for (size_t i = 0; i < stops.size(); ++i) {
      if (text.compare(begin, stops[i].size(), stops[i]) != 0) continue;
      if (match.begin == begin && stops[match.stop].size() <= stops[i].size()) continue;
      match = {begin, i};
    }
    if (match.begin != std::string::npos) return match;
  }
  return {};
}

std::string RandomText(std::mt19937* random, size_t size) {
  std::string text;
  while (text.size() < size) text += static_cast<char>('a' + (*random)() % 3);
  return text;
}

}  // namespace

TEST_CASE("the stop string found depends on the text, not on its pieces") {
  std::mt19937 random(5);
  int found = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string text = RandomText(&random, random() % 14);
    std::vector<std::string> stops;
    for (size_t i = random() % 4; i-- > 0;) stops.push_back(RandomText(&random, 1 + random() % 4));
    const Match expected = Earliest(text, stops);
    StopFinder finder(stops);
    bool stopped = false;
    for (size_t from = 0; from < text.size() && !stopped;) {
      const size_t size = std::min<size_t>(text.size() - from, random() % 4);
      // No stop string starts within the safe length.
      EXPECT(finder.safe_length() <= expected.begin);
      stopped = finder.Append(text.substr(from, size));
      from += size;
    }
    EXPECT(finder.begin() == expected.begin);
    if (expected.begin == std::string::npos) continue;
    ++found;
    EXPECT(stops[finder.stop()] == stops[expected.stop]);
    EXPECT(finder.end() == expected.begin + stops[expected.stop].size());
  }
  EXPECT(found > 5000);
}

TEST_CASE("a stop string is not final while one that starts earlier may still be completed") {
  StopFinder finder({"bc", "abcd"});
  EXPECT(!finder.Append("xabc"));
  EXPECT(finder.safe_length() == 1);
  EXPECT(finder.begin() == 2);
  EXPECT(finder.Append("e"));
  EXPECT(finder.begin() == 2);
  StopFinder other({"bc", "abcd"});
  EXPECT(!other.Append("xabc"));
  EXPECT(other.Append("d"));
  EXPECT(other.begin() == 1);
}

TEST_CASE("bytes of an incomplete character are held back, others are not") {
  const auto tail = [](const std::string& text) { return IncompleteUtf8Length(text, text.size()); };
  EXPECT(tail("") == 0);
  EXPECT(tail("abc") == 0);
  const std::string emoji = "\xF0\x9F\x98\x80";
  EXPECT(tail("a" + emoji) == 0);
  for (size_t size = 1; size < 4; ++size) EXPECT(tail("a" + emoji.substr(0, size)) == size);
  EXPECT(tail("\xE4\xB8") == 2);
  EXPECT(tail("\xE4\xB8\xAD") == 0);
  EXPECT(tail("\xC3") == 1);
  // Overlong encodings, surrogates, values beyond U+10FFFF, stray continuation bytes.
  EXPECT(tail("\xE0\x80") == 0);
  EXPECT(tail("\xED\xA0") == 0);
  EXPECT(tail("\xF4\x90") == 0);
  EXPECT(tail("\xC0") == 0);
  EXPECT(tail("\xFF") == 0);
  EXPECT(tail("\x80\x80\x80\x80") == 0);
}
