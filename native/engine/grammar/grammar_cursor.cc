// See grammar_cursor.h.

#include "engine/grammar/grammar_cursor.h"

#include <limits>

namespace autocog {

bool GrammarCursor::Take(char c) {
  if (AtEnd() || text_[place_] != c) return false;
  ++place_;
  return true;
}

void GrammarCursor::SkipSpace(bool line_ends) {
  for (;;) {
    const char next = Peek();
    if (next == '#') {
      while (!AtEnd() && Peek() != '\r' && Peek() != '\n') ++place_;
    } else if (next == ' ' || next == '\t' || (line_ends && (next == '\r' || next == '\n'))) {
      ++place_;
    } else {
      return;
    }
  }
}

std::string GrammarCursor::ReadName() {
  const size_t begin = place_;
  while (IsWord(Peek())) ++place_;
  if (place_ == begin) Fail("the name of a rule: letters, digits and '-'");
  return Since(begin);
}

uint64_t GrammarCursor::ReadNumber(const std::string& what) {
  const size_t begin = place_;
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  uint64_t number = 0;
  for (; IsDigit(Peek()); ++place_) {
    const auto digit = static_cast<uint64_t>(Peek() - '0');
    if (number > (kMost - digit) / 10) FailAt(begin, what + " that fits into 64 bits");
    number = number * 10 + digit;
  }
  if (place_ == begin) Fail(what);
  return number;
}

uint32_t GrammarCursor::ReadChar() {
  if (!Take('\\')) return ReadUtf8();
  const char kind = Peek();
  if (kind == 'x' || kind == 'u' || kind == 'U') {
    Skip();
    return ReadHex(kind == 'x' ? 2 : kind == 'u' ? 4 : 8);
  }
  for (const char* known = "t\tr\rn\n\\\\\"\"[[]]--"; *known != '\0'; known += 2) {
    if (Take(*known)) return static_cast<unsigned char>(known[1]);
  }
  FailAt(place_ - 1, "one of \\t \\r \\n \\\\ \\\" \\[ \\] \\- \\xHH \\uHHHH \\UHHHHHHHH");
}

uint32_t GrammarCursor::ReadHex(int digits) {
  const size_t begin = place_;
  uint32_t value = 0;
  for (int i = 0; i < digits; ++i, ++place_) {
    const char c = Peek();
    value <<= 4;
    if (IsDigit(c)) {
      value += static_cast<uint32_t>(c - '0');
    } else if ('a' <= c && c <= 'f') {
      value += static_cast<uint32_t>(c - 'a' + 10);
    } else if ('A' <= c && c <= 'F') {
      value += static_cast<uint32_t>(c - 'A' + 10);
    } else {
      FailAt(begin, std::to_string(digits) + " hexadecimal digits");
    }
  }
  return value;
}

uint32_t GrammarCursor::ReadUtf8() {
  // llama.cpp trusts the first byte; what is no UTF-8 is read like it, so that neither takes what the other does not.
  const auto first = static_cast<unsigned char>(Peek());
  const int length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  uint32_t value = first & ((1u << (8 - length)) - 1);
  ++place_;
  for (int i = 1; i < length && !AtEnd(); ++i, ++place_) {
    value = (value << 6) + (static_cast<unsigned char>(Peek()) & 0x3Fu);
  }
  return value;
}

}  // namespace autocog
