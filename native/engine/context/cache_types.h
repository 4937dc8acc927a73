// The types of the KV cache: which exist, which suit a model's heads, and which can be shifted.

#ifndef AUTOCOG_ENGINE_CONTEXT_CACHE_TYPES_H_
#define AUTOCOG_ENGINE_CONTEXT_CACHE_TYPES_H_

#include <string>

#include "engine/common/status.h"
#include "engine/model/model.h"
#include "ggml.h"

namespace autocog {

struct CacheTypes {
  ggml_type k = GGML_TYPE_F16;
  ggml_type v = GGML_TYPE_F16;
};

// The types with these names. kOutOfRange for an unknown one, and for a quantized one whose blocks do not
// divide the model's heads: llama.cpp checks that only with flash attention, and would return garbage.
Result<CacheTypes> ReadCacheTypes(const ModelInfo& info, const std::string& k, const std::string& v);

// Whether llama.cpp can rotate cached keys of this type to other positions. It crashes on other types:
// BF16 has no rotation, and a quantized cache is rotated with a Hadamard matrix of a multiple of 64.
bool CanRotateKeys(const ModelInfo& info, ggml_type type);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_CACHE_TYPES_H_
