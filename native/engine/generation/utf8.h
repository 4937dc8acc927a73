// Splitting of streamed bytes at character boundaries. Pure.

#ifndef AUTOCOG_ENGINE_GENERATION_UTF8_H_
#define AUTOCOG_ENGINE_GENERATION_UTF8_H_

#include <cstddef>
#include <string>

namespace autocog {

// The number of bytes before `end` that form an incomplete UTF-8 character; 0 if the text ends with a
// complete character, or with bytes that no continuation could make valid.
size_t IncompleteUtf8Length(const std::string& text, size_t end);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_UTF8_H_
