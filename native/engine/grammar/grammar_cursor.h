// A place in the text of a grammar, and what can be read there: spaces and comments, names, numbers,
// code points. Only the parser uses it.

#ifndef AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CURSOR_H_
#define AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CURSOR_H_

#include <cstdint>
#include <string>

namespace autocog {

// Thrown and caught within the parser.
struct GrammarMistake {
  size_t place;
  std::string expected;
};

class GrammarCursor {
 public:
  // `text` must outlive this.
  explicit GrammarCursor(const std::string& text) : text_(text) {}

  static bool IsDigit(char c) { return '0' <= c && c <= '9'; }
  static bool IsWord(char c) { return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '-' || IsDigit(c); }

  size_t place() const { return place_; }
  bool AtEnd() const { return place_ >= text_.size(); }
  // 0 past the end.
  char Peek(size_t ahead = 0) const { return place_ + ahead < text_.size() ? text_[place_ + ahead] : '\0'; }
  std::string Since(size_t place) const { return text_.substr(place, place_ - place); }

  void Skip() { ++place_; }
  // Goes past `c` if it is next.
  bool Take(char c);
  // Spaces, tabs and comments; line ends, too, where asked for.
  void SkipSpace(bool line_ends);

  std::string ReadName();
  // Decimal digits.
  uint64_t ReadNumber(const std::string& what);
  // One code point of a literal or a class, an escape included.
  uint32_t ReadChar();

  [[noreturn]] void Fail(const std::string& expected) const { FailAt(place_, expected); }
  [[noreturn]] void FailAt(size_t place, const std::string& expected) const { throw GrammarMistake{place, expected}; }

 private:
  uint32_t ReadHex(int digits);
  uint32_t ReadUtf8();

  const std::string& text_;
  size_t place_ = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CURSOR_H_
