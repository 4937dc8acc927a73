// Where bytes that arrive bit by bit can be cut without cutting a character. Pure.

#ifndef AUTOCOG_ENGINE_GENERATION_UTF8_H_
#define AUTOCOG_ENGINE_GENERATION_UTF8_H_

#include <cstddef>
#include <string>

namespace autocog {

// How many bytes before `end` begin a UTF-8 character that more bytes could complete; 0 where
// the text ends with a whole character, or with bytes that no continuation makes valid.
size_t UnfinishedUtf8(const std::string& text, size_t end);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_UTF8_H_
