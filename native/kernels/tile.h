// The innermost loop: one panel of weights times one tile of activations.

#ifndef AUTOCOG_KERNELS_TILE_H_
#define AUTOCOG_KERNELS_TILE_H_

#include <immintrin.h>

#include <cstddef>

#include "blocks.h"

namespace autocog::kernels {

// Writes `rows` of 16 results (those in `mask`) to `out`, whose rows are `stride` floats apart. A result is the sum
// over blocks, in their order, of the exact integer product times both scales: it does not depend on what else is in
// the tile.
template <int kRows>
void MultiplyTile(int blocks, const WeightBlock* weights, const ActivationBlock* activations, float* out, size_t stride,
                  __mmask16 mask) {
  __m512 sums[kRows];
  for (int row = 0; row < kRows; ++row) sums[row] = _mm512_setzero_ps();
  for (int block = 0; block < blocks; ++block, ++weights, activations += kRows) {
    __m512i values[kBlock / 4];
    for (int i = 0; i < kBlock / 4; ++i) values[i] = _mm512_load_si512(weights->values[i]);
    const __m512 scales = _mm512_load_ps(weights->scales);
    for (int row = 0; row < kRows; ++row) {
      const ActivationBlock& activation = activations[row];
      __m512i product = _mm512_set1_epi32(activation.shift);
      for (int i = 0; i < kBlock / 4; ++i) {
        int32_t four;
        __builtin_memcpy(&four, activation.values + 4 * i, sizeof(four));
        product = _mm512_dpbusd_epi32(product, values[i], _mm512_set1_epi32(four));
      }
      const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(product), _mm512_set1_ps(activation.scale));
      sums[row] = _mm512_fmadd_ps(scaled, scales, sums[row]);
    }
  }
  for (int row = 0; row < kRows; ++row) _mm512_mask_storeu_ps(out + row * stride, mask, sums[row]);
}

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_TILE_H_
