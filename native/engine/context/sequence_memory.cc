// See sequence_memory.h.

#include "engine/context/sequence_memory.h"

#include <memory>
#include <mutex>

#include "engine/common/assertion.h"
#include "engine/common/log.h"
#include "engine/model/memory.h"
#include "llama-ext.h"

namespace autocog {

namespace {

// A recurrent state has the same size in contexts of all sizes.
constexpr int kProbeContextSize = 256;

Result<size_t> ContextBytes(Model* model, const llama_context_params& params) {
  LogCapture log;
  AssertionGuard guard;
  std::unique_ptr<llama_context, decltype(&llama_free)> context(nullptr, llama_free);
  {
    const std::lock_guard<std::mutex> lock(model->mutex());
    context.reset(llama_init_from_model(model->raw(), params));
  }
  if (context == nullptr) return ContextRefused(log.text());
  size_t bytes = 0;
  for (const auto& [type, breakdown] : llama_get_memory_breakdown(context.get())) bytes += breakdown.context;
  return bytes;
}

}  // namespace

SequenceMemory SequenceMemoryOf(const ModelInfo& info) {
  // Their sparse attention groups the cells of a sequence into blocks, which other sequences cannot share.
  for (const char* architecture : {"deepseek4", "minimax-m3", "qwen4exp"}) {
    if (info.architecture == architecture) return SequenceMemory::kStreams;
  }
  return info.recurrent || info.hybrid ? SequenceMemory::kStates : SequenceMemory::kCells;
}

void SetSequences(SequenceMemory memory, int context_size, int sequences, llama_context_params* params) {
  params->n_ctx = static_cast<uint32_t>(context_size);
  // With a unified KV cache, every sequence id below LLAMA_MAX_SEQ works regardless of n_seq_max, which
  // would only reserve unused rows of logits.
  params->kv_unified = memory != SequenceMemory::kStreams;
  params->n_seq_max = memory == SequenceMemory::kCells ? 1 : static_cast<uint32_t>(sequences);
  if (params->kv_unified) return;
  // llama.cpp divides the cells among the sequences, after rounding.
  constexpr uint32_t kCellPadding = 256;
  params->n_ctx = (params->n_ctx + kCellPadding - 1) / kCellPadding * kCellPadding * params->n_seq_max;
}

Result<size_t> BytesPerSequence(Model* model, SequenceMemory memory, int context_size, llama_context_params params) {
  if (memory == SequenceMemory::kCells) return size_t{0};
  params.n_batch = params.n_ubatch = params.n_outputs_max = 2;
  const int size = memory == SequenceMemory::kStates ? kProbeContextSize : context_size;
  size_t bytes[2] = {};
  for (int i = 0; i < 2; ++i) {
    SetSequences(memory, size, i + 1, &params);
    auto measured = ContextBytes(model, params);
    if (!measured.ok()) return measured.status();
    bytes[i] = measured.value();
  }
  return bytes[1] - bytes[0];
}

}  // namespace autocog
