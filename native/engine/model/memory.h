// What the process owes the system: an estimate before a context is made, and freed memory
// given back after.

#ifndef AUTOCOG_ENGINE_MODEL_MEMORY_H_
#define AUTOCOG_ENGINE_MODEL_MEMORY_H_

#include "engine/common/status.h"
#include "ggml.h"

namespace autocog {

struct ModelInfo;

// Bytes that the KV cache of so many cells takes, about.
double CacheBytes(const ModelInfo& info, int cells, ggml_type type_k, ggml_type type_v);

// kOutOfMemory where the KV cache of so many cells is larger than all memory of all devices:
// trying would not fail but drown the machine.
Status CheckCacheFits(const ModelInfo& info, int cells, ggml_type type_k, ggml_type type_v);

// glibc keeps freed heaps of engine threads for later; an application that closed its model
// wants them back.
void ReturnFreedMemory();

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_MEMORY_H_
