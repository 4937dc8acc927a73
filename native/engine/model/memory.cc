// See memory.h.

#include "engine/model/memory.h"

#include <string>

#include "engine/common/backend.h"
#include "engine/model/model.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace autocog {

namespace {

// Estimated metadata per cell in llama.cpp: position, sequences, bookkeeping.
constexpr double kCellBytes = 64;

double BytesPerElement(ggml_type type) {
  return static_cast<double>(ggml_type_size(type)) / static_cast<double>(ggml_blck_size(type));
}

std::string Gibibytes(double bytes) { return std::to_string(static_cast<long long>(bytes / (1LL << 30)) + 1) + " GiB"; }

}  // namespace

double CacheBytes(const ModelInfo& info, int cells, ggml_type type_k, ggml_type type_v) {
  const double width = info.heads > 0 ? static_cast<double>(info.embedding_size) / info.heads * info.heads_kv : 0;
  return cells * (kCellBytes + info.layers * width * (BytesPerElement(type_k) + BytesPerElement(type_v)));
}

Status CheckCacheFits(const ModelInfo& info, int cells, ggml_type type_k, ggml_type type_v, size_t states) {
  const double needed = CacheBytes(info, cells, type_k, type_v) + static_cast<double>(states);
  double memory = 0;
  for (const Device& device : Devices()) memory += static_cast<double>(device.memory_total);
  if (memory == 0 || needed <= memory) return Status::Ok();
  return Status(Code::kOutOfMemory, "A context of " + std::to_string(cells) + " tokens needs about " +
                                        Gibibytes(needed) + ", more than this machine has");
}

Status ContextRefused(const std::string& log) {
  for (const char* text : {"failed to allocate", "failed to reserve", "bad_alloc", "mem_buffer", "larger than max_size",
                           "insufficient memory"}) {
    if (log.find(text) != std::string::npos)
      return Status(Code::kOutOfMemory, "Not enough memory for the context", log);
  }
  return Status(Code::kInvalidArgument, "llama.cpp rejects these context options", log);
}

void ReturnFreedMemory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

}  // namespace autocog
