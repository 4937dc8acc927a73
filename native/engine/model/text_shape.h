// How long the stretches of a text are that a pre-tokenizer may match as one piece. Pure.

#ifndef AUTOCOG_ENGINE_MODEL_TEXT_SHAPE_H_
#define AUTOCOG_ENGINE_MODEL_TEXT_SHAPE_H_

#include <cstddef>
#include <string>

namespace autocog {

// Characters of a stretch that a recursive tokenizer is trusted with: 320 MB of stack.
constexpr size_t kMaxStretch = size_t{1} << 20;

// An upper bound, in characters, for what one match of any of llama.cpp's pre-tokenizers may span: a run
// without white space and the white space after it, or words with the spaces between them.
size_t LongestStretch(const std::string& text);

// The length of the longest run of ASCII digits.
size_t LongestDigits(const std::string& text);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_TEXT_SHAPE_H_
