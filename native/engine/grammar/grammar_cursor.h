// The lexer of the grammar parser: a position in the text of a grammar, with functions that read
// whitespace and comments, names, numbers and code points.

#ifndef AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CURSOR_H_
#define AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CURSOR_H_

#include <cstdint>
#include <string>

namespace autocog {

// A syntax error. Thrown and caught within the parser.
struct GrammarSyntaxError {
  size_t position;
  std::string expected;
};

class GrammarCursor {
 public:
  // `text` must outlive this.
  explicit GrammarCursor(const std::string& text) : text_(text) {}

  static bool IsDigit(char c) { return '0' <= c && c <= '9'; }
  static bool IsWord(char c) { return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '-' || IsDigit(c); }

  size_t position() const { return position_; }
  bool AtEnd() const { return position_ >= text_.size(); }
  // Returns '\0' past the end.
  char Peek(size_t ahead = 0) const { return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0'; }
  std::string Since(size_t position) const { return text_.substr(position, position_ - position); }

  void Skip() { ++position_; }
  // Consumes `c` if it is next.
  bool Take(char c);
  // Skips spaces, tabs and comments, and optionally newlines.
  void SkipSpace(bool newlines);

  std::string ReadName();
  // Reads a decimal number.
  uint64_t ReadNumber(const std::string& what);
  // Reads a code point of a literal or a class, resolving escapes.
  uint32_t ReadChar();

  [[noreturn]] void Fail(const std::string& expected) const { FailAt(position_, expected); }
  [[noreturn]] void FailAt(size_t position, const std::string& expected) const {
    throw GrammarSyntaxError{position, expected};
  }

 private:
  uint32_t ReadHex(int digits);
  uint32_t ReadUtf8();

  const std::string& text_;
  size_t position_ = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_CURSOR_H_
