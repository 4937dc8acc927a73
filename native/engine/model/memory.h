// Memory management: estimates the KV cache before a context is created, and returns freed memory to the
// operating system.

#ifndef AUTOCOG_ENGINE_MODEL_MEMORY_H_
#define AUTOCOG_ENGINE_MODEL_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/common/status.h"
#include "ggml.h"
#include "llama.h"

namespace autocog {

class Model;
struct ModelInfo;

// The approximate size of a KV cache with `cells` cells, in bytes.
double CacheBytes(const ModelInfo& info, int cells, ggml_type type_k, ggml_type type_v);

// kOutOfMemory if a KV cache with `cells` cells, and `states` bytes of states, exceed the memory of all
// devices, or the memory limit of this process: allocating them would not fail, but make the machine swap, or the
// kernel end the process.
Status CheckCacheFits(const ModelInfo& info, int cells, ggml_type type_k, ggml_type type_v, size_t states = 0);

// kModelLoad if keys and values are longer than a product with the model's weights can be. llama.cpp notices where no
// tensor has their length when it builds a graph: after it has allocated the cells, which takes all memory for a length
// that is absurd.
Status CheckRowSizes(const Model& model);

// kOutOfMemory if the buffers of a context exceed the memory that this process had left under its limit before the
// context was created: it has reserved them, and the kernel would end the process when they are used.
Status CheckContextFits(llama_context* context, std::optional<uint64_t> limit);

// A context of llama.cpp's within the limit of this process, which the caller frees; or why there is none.
Result<llama_context*> NewContext(const Model& model, const llama_context_params& params);

// Why llama.cpp created no context, by what it logged: kOutOfMemory, or kInvalidArgument.
Status ContextRefused(const std::string& log);

// Makes glibc return freed memory to the system: it would keep the heaps of engine threads even after the
// application has closed its models.
void ReturnFreedMemory();

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_MEMORY_H_
