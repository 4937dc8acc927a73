// Checks a path before llama.cpp opens it, so that a wrong path results in a clear error message.

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "engine/model/model.h"

namespace autocog {

Status CheckModelFile(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    return Status(Code::kModelLoad, "Cannot load " + path + ": no such file", std::strerror(errno));
  }
  if ((status.st_mode & S_IFMT) == S_IFDIR) {
    return Status(Code::kModelLoad, "Cannot load " + path + ": it is a folder, not a GGUF file");
  }
  std::FILE* file = std::fopen(path.c_str(), "rb");
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
