// Checks a path before llama.cpp opens it, so that a wrong path results in a clear error message.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "engine/common/file_path.h"
#include "engine/model/model.h"

namespace autocog {

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
