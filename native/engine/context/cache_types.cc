// See cache_types.h.

#include "engine/context/cache_types.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace autocog {

namespace {

// Types that llama.cpp supports for the KV cache.
constexpr ggml_type kCacheTypes[] = {
    GGML_TYPE_F32,  GGML_TYPE_F16,  GGML_TYPE_BF16, GGML_TYPE_Q8_0,   GGML_TYPE_Q4_0,
    GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1, GGML_TYPE_IQ4_NL,
};

// The size of the Hadamard matrices that llama.cpp rotates quantized keys with.
constexpr int kRotation = 64;

Result<ggml_type> FindType(const char* option, const std::string& name, const std::vector<int>& head_sizes) {
  std::string known;
  for (ggml_type type : kCacheTypes) {
    known += (known.empty() ? "" : ", ") + std::string(ggml_type_name(type));
    if (name != ggml_type_name(type)) continue;
    const auto block = static_cast<int>(ggml_blck_size(type));
    for (int size : head_sizes) {
      if (size % block == 0) continue;
      return Status(Code::kOutOfRange, "Expected a type whose blocks divide the model's heads of " +
                                           std::to_string(size) + " for " + option + ", got " + name +
                                           " with blocks of " + std::to_string(block));
    }
    return type;
  }
  return Status(Code::kOutOfRange,
                std::string("Expected a KV cache type (") + known + ") for " + option + ", got " + name);
}

}  // namespace

Result<CacheTypes> ReadCacheTypes(const ModelInfo& info, const std::string& k, const std::string& v) {
  auto type_k = FindType("kvCacheTypeK", k, info.head_sizes_k);
  if (!type_k.ok()) return type_k.status();
  auto type_v = FindType("kvCacheTypeV", v, info.head_sizes_v);
  if (!type_v.ok()) return type_v.status();
  return CacheTypes{type_k.value(), type_v.value()};
}

bool CanRotateKeys(const ModelInfo& info, ggml_type type) {
  if (type == GGML_TYPE_F32 || type == GGML_TYPE_F16) return true;
  if (!ggml_is_quantized(type)) return false;
  // llama.cpp's own switch, for its own tests.
  const char* disabled = std::getenv("LLAMA_ATTN_ROT_DISABLE");
  if (disabled != nullptr && std::atoi(disabled) != 0) return false;
  return info.head_sizes_k.size() == 1 && info.head_sizes_k.front() % kRotation == 0;
}

}  // namespace autocog
