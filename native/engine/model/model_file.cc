// See model_file.h.

#include "engine/model/model_file.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#endif

namespace autocog {

std::filesystem::path ToPath(const std::string& utf8) { return std::filesystem::u8path(utf8); }

std::string ToUtf8(const std::filesystem::path& path) { return path.u8string(); }

#ifdef _WIN32

namespace {

std::optional<std::string> InCodePage(const std::wstring& wide) {
  // Without a character that stands for others. The code page UTF-8 does not take that argument, and needs no check.
  const bool utf8 = GetACP() == CP_UTF8;
  const DWORD flags = utf8 ? 0 : WC_NO_BEST_FIT_CHARS;
  BOOL replaced = FALSE;
  BOOL* const check = utf8 ? nullptr : &replaced;
  const int length = static_cast<int>(wide.size());
  const int size = WideCharToMultiByte(CP_ACP, flags, wide.data(), length, nullptr, 0, nullptr, check);
  if (size <= 0 || replaced) return std::nullopt;
  std::string narrow(static_cast<size_t>(size), '\0');
  WideCharToMultiByte(CP_ACP, flags, wide.data(), length, narrow.data(), size, nullptr, nullptr);
  return narrow;
}

}  // namespace

std::FILE* OpenForReading(const std::string& utf8) { return _wfopen(ToPath(utf8).c_str(), L"rb"); }

std::optional<std::string> ToNarrow(const std::filesystem::path& path) {
  if (auto narrow = InCodePage(path.native())) return narrow;
  std::wstring brief(32768, L'\0');
  const DWORD length = GetShortPathNameW(path.c_str(), brief.data(), static_cast<DWORD>(brief.size()));
  if (length == 0 || length >= brief.size()) return std::nullopt;
  brief.resize(length);
  return InCodePage(brief);
}

#else

std::FILE* OpenForReading(const std::string& utf8) { return std::fopen(utf8.c_str(), "rb"); }

std::optional<std::string> ToNarrow(const std::filesystem::path& path) { return path.native(); }

#endif

Status CheckModelFile(const std::string& path) {
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(ToPath(path), failure);
  if (failure || !std::filesystem::exists(status)) {
    return Status(Code::kModelLoad, "Cannot load " + path + ": no such file", failure.message());
  }
  if (std::filesystem::is_directory(status)) {
    return Status(Code::kModelLoad, "Cannot load " + path + ": it is a folder, not a GGUF file");
  }
  std::FILE* file = OpenForReading(path);
  if (file == nullptr) {
    return Status(Code::kModelLoad, "Cannot load " + path + ": it cannot be read", std::strerror(errno));
  }
  char magic[4] = {};
  const size_t read = std::fread(magic, 1, sizeof magic, file);
  std::fclose(file);
  if (read == 0) return Status(Code::kModelLoad, "Cannot load " + path + ": the file is empty");
  if (read < sizeof magic || std::memcmp(magic, "GGUF", sizeof magic) != 0) {
    return Status(Code::kModelLoad, "Cannot load " + path + ": it is not a GGUF file");
  }
  return Status::Ok();
}

}  // namespace autocog
