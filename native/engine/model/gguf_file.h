// The head of a GGUF file that is not a model (an adapter, a control vector), or that was just
// written: its keys, its tensors' names and shapes, and their bytes on demand. Everything is
// checked against the file's size first. Any thread; one at a time.

#ifndef AUTOCOG_ENGINE_MODEL_GGUF_FILE_H_
#define AUTOCOG_ENGINE_MODEL_GGUF_FILE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/common/status.h"
#include "ggml.h"

struct gguf_context;

namespace autocog {

class GgufFile {
 public:
  struct Tensor {
    std::string name;
    ggml_type type;
    std::array<int64_t, GGML_MAX_DIMS> shape;
    uint64_t offset;  // from the file's beginning
    uint64_t bytes;
  };

  // kModelLoad with a plain reason where `path` is no GGUF file, or is cut short.
  static Result<std::unique_ptr<GgufFile>> Open(const std::string& path);
  ~GgufFile();
  GgufFile(const GgufFile&) = delete;
  GgufFile& operator=(const GgufFile&) = delete;

  const std::string& path() const { return path_; }
  const std::vector<Tensor>& tensors() const { return tensors_; }
  bool Has(const char* key) const;
  // Empty where there is no such key, or it is no text.
  std::string Text(const char* key) const;
  // Reads a tensor's bytes to `to`, which has room for them.
  Status Read(const Tensor& tensor, void* to) const;
  // Of all bytes of the file: equal for equal files.
  Result<uint64_t> Digest() const;

 private:
  GgufFile(std::string path, gguf_context* context);

  std::string path_;
  gguf_context* context_;
  std::vector<Tensor> tensors_;
};

// Goes on from `digest` with more bytes (FNV-1a, by words of eight bytes where there are eight).
uint64_t AddToDigest(uint64_t digest, const void* bytes, size_t count);
constexpr uint64_t kEmptyDigest = 0xcbf29ce484222325ULL;

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_GGUF_FILE_H_
