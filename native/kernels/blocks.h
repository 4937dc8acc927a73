// How both sides of a matrix product are laid out for tile.h. Weights: panels of 16 rows, in which the values that one
// instruction multiplies are side by side; a panel is packed when it is needed, so that weights stay as they are in the
// mapped file. Activations: tiles of up to 8 rows, whose blocks of 32 values alternate.

#ifndef AUTOCOG_KERNELS_BLOCKS_H_
#define AUTOCOG_KERNELS_BLOCKS_H_

#include <cstdint>
#include <type_traits>

namespace autocog::kernels {

// Values of a block, for weights and activations.
inline constexpr int kBlock = 32;
// Rows of weights in a panel: the 32-bit lanes of a 512-bit register.
inline constexpr int kPanelRows = 16;
// Rows of activations in a tile. More would not fit in the registers.
inline constexpr int kTileRows = 8;

// What differs between types of weights once they are packed. kGroups_: scales of a block, each for 32 / kGroups
// values. kOffsets_: whether a weight is scale * value + offset, with an offset per group; otherwise it is
// scale * (value - zero), where zero depends on the type, since the instruction multiplies unsigned by signed bytes.
// kParts_: blocks that share a scale of the activations.
template <int kGroups_, bool kOffsets_, int kParts_>
struct Format {
  static constexpr int kGroups = kGroups_;
  static constexpr bool kOffsets = kOffsets_;
  static constexpr int kParts = kParts_;
};

// 32 values of each of the 16 rows of a panel.
template <typename Format>
struct alignas(64) WeightBlock {
  // Four consecutive values of each row per register.
  uint8_t values[kBlock / 4][kPanelRows * 4];
  float scales[Format::kGroups][kPanelRows];
};

template <int kGroups, int kParts>
struct alignas(64) WeightBlock<Format<kGroups, true, kParts>> {
  uint8_t values[kBlock / 4][kPanelRows * 4];
  float scales[kGroups][kPanelRows];
  float offsets[kGroups][kPanelRows];
};

// 32 values of one row of activations: scale * value.
template <typename Format>
struct ActivationBlock {
  float scale;
  // For each group of weights. Without offsets: -zero * the sum of the values, which undoes the shift of the weights
  // exactly. With offsets: what they are multiplied by, which is the sum of the values (times the scale if kParts is
  // 1).
  std::conditional_t<Format::kOffsets, float, int32_t> sums[Format::kGroups];
  int8_t values[kBlock];
};

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_BLOCKS_H_
