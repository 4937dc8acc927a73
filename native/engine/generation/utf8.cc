// See utf8.h. Byte ranges: table 3-7 of the Unicode standard.

#include "engine/generation/utf8.h"

#include <algorithm>

namespace autocog {

namespace {

bool IsContinuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

// The number of bytes of a character that starts with `lead`; 0 if invalid.
size_t LengthOf(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// Whether `second` may follow `lead`: excludes overlong encodings, surrogates and code points beyond
// U+10FFFF.
bool MayFollow(unsigned char lead, unsigned char second) {
  if (!IsContinuation(second)) return false;
  switch (lead) {
    case 0xE0:
      return second >= 0xA0;
    case 0xED:
      return second <= 0x9F;
    case 0xF0:
      return second >= 0x90;
    case 0xF4:
      return second <= 0x8F;
    default:
      return true;
  }
}

}  // namespace

size_t IncompleteUtf8Length(const std::string& text, size_t end) {
  for (size_t back = 1; back <= std::min<size_t>(3, end); ++back) {
    const auto lead = static_cast<unsigned char>(text[end - back]);
    if (IsContinuation(lead)) continue;
    if (LengthOf(lead) <= back) return 0;
    const bool possible = back < 2 || MayFollow(lead, static_cast<unsigned char>(text[end - back + 1]));
    return possible ? back : 0;
  }
  return 0;
}

}  // namespace autocog
