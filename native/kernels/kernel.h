// The functions that multiply weights of one type, and which types have them on this CPU.

#ifndef AUTOCOG_KERNELS_KERNEL_H_
#define AUTOCOG_KERNELS_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "blocks.h"
#include "ggml.h"

namespace autocog::kernels {

// One row, as in the generation of a single text, needs no more than to read the weights once, which ggml does without
// packing them. All others use the same kernel: then their results do not depend on how many there are.
inline constexpr int64_t kLeastRows = 2;

struct Kernel {
  // How ggml quantizes activations for these weights.
  ggml_type activations;
  // Bytes of 32 values of a panel, and of 32 values of a row of activations.
  size_t weight_block;
  size_t activation_block;

  // See panel.h, activations.h and tile.h.
  void (*pack)(const char* first, size_t stride, int count, int blocks, void* panel);
  void (*fill)(const char* quantized, int blocks, int row, int rows, void* tile);
  using Tile = void (*)(int blocks, const void* panel, const void* tile, float* const* rows, int64_t column,
                        uint16_t mask);
  // For 1 to kTileRows rows.
  Tile tiles[kTileRows];
};

// Types of weights that have a kernel.
std::vector<ggml_type> KernelTypes();

// Null if ggml's own implementation is used.
const Kernel* KernelOf(ggml_type type);
// The same for weights that ggml has repacked.
const Kernel* RepackedKernelOf(ggml_type type);

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_KERNEL_H_
