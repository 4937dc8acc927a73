// How a model's memory holds its sequences, and how many sequences fit a budget.
//
// Most models have a KV cache: sequences share its cells, and a sequence can be cut at any position. The
// sequences of others are append-only: they can be extended, copied and removed, but only as a whole.

#ifndef AUTOCOG_ENGINE_CONTEXT_SEQUENCE_MEMORY_H_
#define AUTOCOG_ENGINE_CONTEXT_SEQUENCE_MEMORY_H_

#include <cstddef>

#include "engine/common/status.h"
#include "engine/model/model.h"
#include "llama.h"

namespace autocog {

enum class SequenceMemory {
  kCells,   // cells of one KV cache, shared by sequences
  kStates,  // append-only: a recurrent state per sequence; in hybrids, beside shared cells
  kStreams  // append-only: a KV cache per sequence
};

SequenceMemory SequenceMemoryOf(const ModelInfo& info);

// Sets the parameters that decide how llama.cpp holds `sequences` sequences of `context_size` tokens.
void SetSequences(SequenceMemory memory, int context_size, int sequences, llama_context_params* params);

// The bytes that one more sequence takes in a context with these parameters, 0 for kCells. Creates small
// contexts to measure them. REQUIRES: the model's mutex is not held.
Result<size_t> BytesPerSequence(Model* model, SequenceMemory memory, int context_size, llama_context_params params);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_SEQUENCE_MEMORY_H_
