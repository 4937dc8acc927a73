// See text_shape.h.

#include "engine/model/text_shape.h"

#include <algorithm>

namespace autocog {

namespace {

bool IsSpace(unsigned char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// Letters of ASCII, and every other character beyond ASCII: which of those are letters does not matter for a bound.
bool IsWord(unsigned char byte) { return byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }

}  // namespace

size_t LongestStretch(const std::string& text) {
  size_t longest = 0;
  size_t run = 0;    // without white space, and the white space after it
  size_t words = 0;  // words and spaces
  bool in_space = false;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if ((byte & 0xC0) == 0x80) continue;  // the rest of a character
    const bool space = IsSpace(byte);
    if (in_space && !space) run = 0;
    in_space = space;
    ++run;
    words = space || IsWord(byte) ? words + 1 : 0;
    longest = std::max({longest, run, words});
  }
  // One character before, as most patterns take.
  return longest + 1;
}

size_t LongestDigits(const std::string& text) {
  size_t longest = 0;
  size_t run = 0;
  for (const char character : text) {
    run = character >= '0' && character <= '9' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

}  // namespace autocog
