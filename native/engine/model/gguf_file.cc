// See gguf_file.h.

#include "engine/model/gguf_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "engine/common/assertion.h"
#include "engine/common/backend.h"
#include "engine/common/log.h"
#include "engine/model/model.h"
#include "engine/model/model_file.h"
#include "gguf.h"

namespace autocog {

namespace {

Status Truncated(const std::string& path, const std::string& tensor) {
  return Status(Code::kModelLoad, "Cannot load " + path + ": the file ends before its tensor '" + tensor + "' does");
}

}  // namespace

Result<std::unique_ptr<GgufFile>> GgufFile::Open(const std::string& path) {
  InstallBackend();
  if (Status status = CheckModelFile(path); !status.ok()) return status;
  LogCapture log;
  AssertionGuard guard;
  try {
    gguf_init_params params = {};
    params.no_alloc = true;
    gguf_context* context = gguf_init_from_file(path.c_str(), params);
    if (context == nullptr) {
      return Status(Code::kModelLoad, "Cannot load " + path + ": it is a broken GGUF file", log.text());
    }
    std::unique_ptr<GgufFile> file(new GgufFile(path, context));
    std::error_code failure;
    const uint64_t size = std::filesystem::file_size(ToPath(path), failure);
    if (failure) return Status(Code::kModelLoad, "Cannot load " + path + ": it cannot be read", failure.message());
    for (const Tensor& tensor : file->tensors_) {
      if (tensor.offset > size || tensor.bytes > size - tensor.offset) return Truncated(path, tensor.name);
    }
    return file;
  } catch (const std::exception& error) {
    return Status(Code::kModelLoad, "Cannot load " + path + ": it is a broken GGUF file", error.what());
  }
}

GgufFile::GgufFile(std::string path, gguf_context* context) : path_(std::move(path)), context_(context) {
  const uint64_t data = gguf_get_data_offset(context_);
  for (int64_t i = 0; i < gguf_get_n_tensors(context_); ++i) {
    Tensor tensor;
    tensor.name = gguf_get_tensor_name(context_, i);
    tensor.type = gguf_get_tensor_type(context_, i);
    std::memcpy(tensor.shape.data(), gguf_get_tensor_ne(context_, i), sizeof tensor.shape);
    tensor.offset = data + gguf_get_tensor_offset(context_, i);
    tensor.bytes = gguf_get_tensor_size(context_, i);
    tensors_.push_back(std::move(tensor));
  }
}

GgufFile::~GgufFile() { gguf_free(context_); }

bool GgufFile::Has(const char* key) const { return gguf_find_key(context_, key) >= 0; }

std::string GgufFile::Text(const char* key) const {
  const int64_t index = gguf_find_key(context_, key);
  if (index < 0 || gguf_get_kv_type(context_, index) != GGUF_TYPE_STRING) return {};
  return gguf_get_val_str(context_, index);
}

double GgufFile::Largest(const char* key) const {
  const int64_t index = gguf_find_key(context_, key);
  if (index < 0 || gguf_get_kv_type(context_, index) != GGUF_TYPE_ARRAY) return 0;
  const gguf_type type = gguf_get_arr_type(context_, index);
  if (type != GGUF_TYPE_UINT32 && type != GGUF_TYPE_INT32) return 0;
  // llama.cpp reads both as unsigned.
  const auto* numbers = static_cast<const uint32_t*>(gguf_get_arr_data(context_, index));
  uint32_t largest = 0;
  for (size_t i = 0; i < gguf_get_arr_n(context_, index); ++i) largest = std::max(largest, numbers[i]);
  return largest;
}

Status GgufFile::Read(const Tensor& tensor, void* target) const {
  std::ifstream file(ToPath(path_), std::ios::binary);
  file.seekg(static_cast<std::streamoff>(tensor.offset));
  file.read(static_cast<char*>(target), static_cast<std::streamsize>(tensor.bytes));
  return file ? Status::Ok() : Truncated(path_, tensor.name);
}

Result<uint64_t> GgufFile::Digest() const {
  std::ifstream file(ToPath(path_), std::ios::binary);
  std::vector<char> buffer(size_t{1} << 20);
  uint64_t digest = kEmptyDigest;
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest = AddToDigest(digest, buffer.data(), static_cast<size_t>(file.gcount()));
  }
  if (file.eof()) return digest;
  return Status(Code::kModelLoad, "Cannot load " + path_ + ": it cannot be read", std::strerror(errno));
}

uint64_t AddToDigest(uint64_t digest, const void* bytes, size_t count) {
  constexpr uint64_t kPrime = 0x100000001b3ULL;
  const auto* next = static_cast<const unsigned char*>(bytes);
  for (; count >= sizeof(uint64_t); count -= sizeof(uint64_t), next += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, next, sizeof word);
    digest = (digest ^ word) * kPrime;
    // Multiplication propagates bits only upwards; without this, the high half of the last word would have
    // hardly any effect.
    digest ^= digest >> 32;
  }
  for (; count > 0; --count, ++next) digest = (digest ^ *next) * kPrime;
  return digest;
}

}  // namespace autocog
