// The innermost loop: one panel of weights times one tile of activations.

#ifndef AUTOCOG_KERNELS_TILE_H_
#define AUTOCOG_KERNELS_TILE_H_

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "blocks.h"

namespace autocog::kernels {

// Adds the products of one block with kCount rows of activations to their totals. The rows' chains of instructions
// alternate, since each waits for its last one.
template <typename Format, int kCount>
inline void MultiplyBlock(const __m512i values[kBlock / 4], const WeightBlock<Format>& weights,
                          const ActivationBlock<Format>* activations, __m512* totals) {
  constexpr int kSteps = kBlock / 4 / Format::kGroups;
  for (int group = 0; group < Format::kGroups; ++group) {
    __m512i products[kCount];
    for (int row = 0; row < kCount; ++row) {
      if constexpr (Format::kOffsets) {
        products[row] = _mm512_setzero_si512();
      } else {
        products[row] = _mm512_set1_epi32(activations[row].sums[group]);
      }
    }
    for (int i = group * kSteps; i < (group + 1) * kSteps; ++i) {
      for (int row = 0; row < kCount; ++row) {
        int32_t four;
        std::memcpy(&four, activations[row].values + 4 * i, sizeof(four));
        products[row] = _mm512_dpbusd_epi32(products[row], values[i], _mm512_set1_epi32(four));
      }
    }
    const __m512 scales = _mm512_load_ps(weights.scales[group]);
    for (int row = 0; row < kCount; ++row) {
      if constexpr (Format::kOffsets) {
        const __m512 offsets = _mm512_load_ps(weights.offsets[group]);
        totals[row] = _mm512_fmadd_ps(_mm512_set1_ps(activations[row].sums[group]), offsets, totals[row]);
      }
      __m512 product = _mm512_cvtepi32_ps(products[row]);
      if constexpr (Format::kParts == 1) product = _mm512_mul_ps(product, _mm512_set1_ps(activations[row].scale));
      totals[row] = _mm512_fmadd_ps(product, scales, totals[row]);
    }
  }
}

// Writes 16 results (those in `mask`) of each row from `column` on. A result is the sum over blocks, in their order, of
// the exact integer product times both scales: it does not depend on what else is in the tile.
template <typename Format, int kRows>
void MultiplyTile(int blocks, const void* panel, const void* tile, float* const* rows, int64_t column, uint16_t mask) {
  const auto* weights = static_cast<const WeightBlock<Format>*>(panel);
  const auto* activations = static_cast<const ActivationBlock<Format>*>(tile);
  __m512 sums[kRows];
  for (int row = 0; row < kRows; ++row) sums[row] = _mm512_setzero_ps();
  for (int block = 0; block < blocks; block += Format::kParts) {
    const ActivationBlock<Format>* first = activations;
    __m512 parts[kRows];
    for (int row = 0; row < kRows; ++row) parts[row] = Format::kParts == 1 ? sums[row] : _mm512_setzero_ps();
    for (int part = 0; part < Format::kParts; ++part, ++weights, activations += kRows) {
      __m512i values[kBlock / 4];
      for (int i = 0; i < kBlock / 4; ++i) values[i] = _mm512_load_si512(weights->values[i]);
      for (int row = 0; row + 1 < kRows; row += 2) {
        MultiplyBlock<Format, 2>(values, *weights, activations + row, parts + row);
      }
      if constexpr (kRows % 2 == 1) {
        MultiplyBlock<Format, 1>(values, *weights, activations + kRows - 1, parts + kRows - 1);
      }
    }
    for (int row = 0; row < kRows; ++row) {
      const bool scaled = Format::kParts == 1;
      sums[row] = scaled ? parts[row] : _mm512_fmadd_ps(parts[row], _mm512_set1_ps(first[row].scale), sums[row]);
    }
  }
  for (int row = 0; row < kRows; ++row) _mm512_mask_storeu_ps(rows[row] + column, mask, sums[row]);
}

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_TILE_H_
