// The header of a GGUF file that is not loaded as a model (an adapter, a control vector, or a file that
// was just written): its metadata and its tensors' names and shapes; the tensors' data on demand. All
// offsets are checked against the file size. Usable from any thread, one at a time.

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
    uint64_t offset;  // from the start of the file
    uint64_t bytes;
  };

  // kModelLoad, with the reason, if the file is not a GGUF file or is truncated.
  static Result<std::unique_ptr<GgufFile>> Open(const std::string& path);
  ~GgufFile();
  GgufFile(const GgufFile&) = delete;
  GgufFile& operator=(const GgufFile&) = delete;

  const std::string& path() const { return path_; }
  const std::vector<Tensor>& tensors() const { return tensors_; }
  bool Has(const char* key) const;
  // Empty if there is no such key or its value is not a string.
  std::string Text(const char* key) const;
  // The largest item of a list of integers; 0 if there is no such key or its value is not such a list.
  double Largest(const char* key) const;
  // Reads a tensor's data into `target`, which must have room for it.
  Status Read(const Tensor& tensor, void* target) const;
  // A digest of the file's bytes.
  Result<uint64_t> Digest() const;

 private:
  GgufFile(std::string path, gguf_context* context);

  std::string path_;
  gguf_context* context_;
  std::vector<Tensor> tensors_;
};

// Extends a digest by more bytes: FNV-1a, but in words of eight bytes as long as eight are left.
uint64_t AddToDigest(uint64_t digest, const void* bytes, size_t count);
constexpr uint64_t kEmptyDigest = 0xcbf29ce484222325ULL;

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_GGUF_FILE_H_
