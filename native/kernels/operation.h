// What the products of matrices and those of experts have in common.

#ifndef AUTOCOG_KERNELS_OPERATION_H_
#define AUTOCOG_KERNELS_OPERATION_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "aligned.h"
#include "ggml-backend.h"
#include "kernel.h"
#ifdef GGML_USE_CPU_REPACK
#include "repack.h"
#endif

namespace autocog::kernels {

inline char* Row(const ggml_tensor* tensor, int64_t row) {
  const int64_t i1 = row % tensor->ne[1];
  const int64_t i2 = row / tensor->ne[1] % tensor->ne[2];
  const int64_t i3 = row / tensor->ne[1] / tensor->ne[2];
  return static_cast<char*>(tensor->data) + i1 * tensor->nb[1] + i2 * tensor->nb[2] + i3 * tensor->nb[3];
}

// The kernel for an operation whose operands are laid out as the kernels expect, or null. Weights in a buffer of
// another layout (AMX) are not for us.
inline const Kernel* KernelFor(const ggml_tensor* op) {
  const ggml_tensor* weights = op->src[0];
  const ggml_tensor* activations = op->src[1];
  const bool usable = weights->buffer != nullptr && weights->nb[0] == ggml_type_size(weights->type) &&
                      activations->type == GGML_TYPE_F32 && activations->nb[0] == sizeof(float) &&
                      op->nb[0] == sizeof(float);
  if (!usable) return nullptr;
  ggml_backend_buffer_type_t buffer = ggml_backend_buffer_get_type(weights->buffer);
#ifdef GGML_USE_CPU_REPACK
  if (buffer == ggml_backend_cpu_repack_buffer_type()) {
    return weights->extra != nullptr ? RepackedKernelOf(weights->type) : nullptr;
  }
#endif
  return ggml_backend_buft_is_host(buffer) && weights->extra == nullptr ? KernelOf(weights->type) : nullptr;
}

// Rows of activations, in tiles, that are multiplied by the same weights.
struct Batch {
  const char* activations;
  // Where the results of each row begin.
  float* const* results;
  int64_t rows;
};

inline int64_t Panels(const ggml_tensor* weights) { return (weights->ne[1] + kPanelRows - 1) / kPanelRows; }

// Multiplies the rows of one panel of `weights`, a matrix that begins at `data`; `panel` is the place to pack it in.
inline void MultiplyPanel(const Kernel& kernel, const ggml_tensor* weights, const char* data, int64_t number,
                          const Batch& batch, char* panel) {
  const int blocks = static_cast<int>(weights->ne[0] / kBlock);
  const int64_t column = number * kPanelRows;
  const int count = static_cast<int>(std::min<int64_t>(kPanelRows, weights->ne[1] - column));
  const auto mask = static_cast<uint16_t>((1U << count) - 1);
  kernel.pack(data + column * weights->nb[1], weights->nb[1], count, blocks, panel);
  for (int64_t first = 0; first < batch.rows; first += kTileRows) {
    const auto rows = std::min<int64_t>(kTileRows, batch.rows - first);
    const char* tile = batch.activations + first * blocks * kernel.activation_block;
    kernel.tiles[rows - 1](blocks, panel, tile, batch.results + first, column, mask);
  }
}

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_OPERATION_H_
