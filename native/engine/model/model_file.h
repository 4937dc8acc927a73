// Files of models and their paths. The engine, like JavaScript and llama.cpp, has paths as UTF-8 on every platform; on
// Windows, the C library would take the bytes for characters of the active code page.

#ifndef AUTOCOG_ENGINE_MODEL_MODEL_FILE_H_
#define AUTOCOG_ENGINE_MODEL_MODEL_FILE_H_

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/common/status.h"

namespace autocog {

// For the file system and for streams, which open files by their wide names on Windows.
std::filesystem::path ToPath(const std::string& utf8);

// For messages, and for functions of the engine, of ggml and of llama.cpp that take UTF-8.
std::string ToUtf8(const std::filesystem::path& path);

// Opens a file for reading. Null on failure, with errno.
std::FILE* OpenForReading(const std::string& utf8);

// The name of an existing file for code that passes it to a narrow stream, as llama.cpp's quantizer does: on Windows in
// the active code page, if necessary by its short name. Nothing if it has neither.
std::optional<std::string> ToNarrow(const std::filesystem::path& path);

// kModelLoad, with the reason, if `path` cannot be a GGUF file. To be called before llama.cpp opens it.
Status CheckModelFile(const std::string& path);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_MODEL_FILE_H_
