// See grammar_cursor.h.

#include "engine/grammar/grammar_cursor.h"

#include <limits>

namespace autocog {

bool GrammarCursor::Take(char c) {
  if (AtEnd() || text_[position_] != c) return false;
  ++position_;
  return true;
}

void GrammarCursor::SkipSpace(bool newlines) {
  for (;;) {
    const char next = Peek();
    if (next == '#') {
      while (!AtEnd() && Peek() != '\r' && Peek() != '\n') ++position_;
    } else if (next == ' ' || next == '\t' || (newlines && (next == '\r' || next == '\n'))) {
      ++position_;
    } else {
      return;
    }
  }
}

std::string GrammarCursor::ReadName() {
  const size_t begin = position_;
  while (IsWord(Peek())) ++position_;
  if (position_ == begin) Fail("the name of a rule: letters, digits and '-'");
  return Since(begin);
}

uint64_t GrammarCursor::ReadNumber(const std::string& what) {
  const size_t begin = position_;
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  uint64_t number = 0;
  for (; IsDigit(Peek()); ++position_) {
    const auto digit = static_cast<uint64_t>(Peek() - '0');
    if (number > (kMax - digit) / 10) FailAt(begin, what + " that fits into 64 bits");
    number = number * 10 + digit;
  }
  if (position_ == begin) Fail(what);
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
  FailAt(position_ - 1, "one of \\t \\r \\n \\\\ \\\" \\[ \\] \\- \\xHH \\uHHHH \\UHHHHHHHH");
}

uint32_t GrammarCursor::ReadHex(int digits) {
  const size_t begin = position_;
  uint32_t value = 0;
  for (int i = 0; i < digits; ++i, ++position_) {
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
  // Invalid UTF-8 is decoded as in llama.cpp, which trusts the first byte, so that both accept the same grammars.
  const auto first = static_cast<unsigned char>(Peek());
  const int length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  uint32_t value = first & ((1u << (8 - length)) - 1);
  ++position_;
  for (int i = 1; i < length && !AtEnd(); ++i, ++position_) {
    value = (value << 6) + (static_cast<unsigned char>(Peek()) & 0x3Fu);
  }
  return value;
}

}  // namespace autocog
