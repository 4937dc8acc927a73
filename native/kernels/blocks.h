// How both sides of a matrix product are laid out for tile.h. Weights: panels of 16 rows, in which the values that one
// instruction multiplies are side by side; a panel is packed when it is needed, so that weights stay as they are in the
// mapped file. Activations: tiles of up to 8 rows, whose blocks of 32 values alternate.

#ifndef AUTOCOG_KERNELS_BLOCKS_H_
#define AUTOCOG_KERNELS_BLOCKS_H_

#include <cstdint>

namespace autocog::kernels {

// Values of a block, for weights and activations.
inline constexpr int kBlock = 32;
// Rows of weights in a panel: the 32-bit lanes of a 512-bit register.
inline constexpr int kPanelRows = 16;
// Rows of activations in a tile. More would not fit in the registers.
inline constexpr int kTileRows = 8;

// 32 values of each of the 16 rows of a panel. A weight is scale * (value - zero), where zero depends on the type:
// the instruction multiplies unsigned by signed bytes.
struct alignas(64) WeightBlock {
  // Four consecutive values of each row per register.
  uint8_t values[kBlock / 4][kPanelRows * 4];
  float scales[kPanelRows];
};

// 32 values of one row of activations: scale * value.
struct ActivationBlock {
  // -zero * the sum of the values, which undoes the shift of the weights exactly.
  int32_t shift;
  float scale;
  int8_t values[kBlock];
};

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_BLOCKS_H_
