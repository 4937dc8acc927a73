// What can be said of a path before llama.cpp opens it, so that a typing error gets a plain
// answer and not a parser's.

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "engine/model/model.h"

namespace autocog {

Status CheckModelFile(const std::string& path) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0) {
    return Status(Code::kModelLoad, "Cannot load " + path + ": no such file", std::strerror(errno));
  }
  if ((facts.st_mode & S_IFMT) == S_IFDIR) {
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
