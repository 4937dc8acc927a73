// Packs rows of a quantized weight matrix into a panel (blocks.h).

#ifndef AUTOCOG_KERNELS_PANEL_H_
#define AUTOCOG_KERNELS_PANEL_H_

#include <immintrin.h>

#include <cstddef>
#include <cstring>

#include "blocks.h"

namespace autocog::kernels {

// ggml's block of Q8_0: a half-precision scale, then 32 signed bytes.
struct Q8Rows {
  static constexpr int kZero = 128;
  static constexpr size_t kBytes = 34;

  static __m256i Values(const char* block) {
    const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 2));
    return _mm256_xor_si256(values, _mm256_set1_epi8(static_cast<char>(kZero)));
  }

  static uint16_t Scale(const char* block) {
    uint16_t scale;
    std::memcpy(&scale, block, sizeof(scale));
    return scale;
  }
};

// Interleaves the 32-bit words of 16 rows: register i of `out` has word i of each row.
inline void Interleave(const __m256i rows[kPanelRows], uint8_t out[kBlock / 4][kPanelRows * 4]) {
  __m512i pairs[8];
  for (int i = 0; i < 8; ++i) pairs[i] = _mm512_inserti64x4(_mm512_castsi256_si512(rows[i]), rows[i + 8], 1);
  __m512i twos[8];
  for (int i = 0; i < 8; i += 2) {
    twos[i] = _mm512_unpacklo_epi32(pairs[i], pairs[i + 1]);
    twos[i + 1] = _mm512_unpackhi_epi32(pairs[i], pairs[i + 1]);
  }
  // fours[4 * half + k] has, in its 128-bit lanes, words k (even lanes) and k + 4 (odd lanes) of rows 4 * half to
  // 4 * half + 3 and of those 8 rows further.
  __m512i fours[8];
  for (int half = 0; half < 2; ++half) {
    const __m512i* two = twos + 4 * half;
    fours[4 * half] = _mm512_unpacklo_epi64(two[0], two[2]);
    fours[4 * half + 1] = _mm512_unpackhi_epi64(two[0], two[2]);
    fours[4 * half + 2] = _mm512_unpacklo_epi64(two[1], two[3]);
    fours[4 * half + 3] = _mm512_unpackhi_epi64(two[1], two[3]);
  }
  const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
  const __m512i odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
  for (int k = 0; k < 4; ++k) {
    _mm512_store_si512(out[k], _mm512_permutex2var_epi64(fours[k], even, fours[4 + k]));
    _mm512_store_si512(out[4 + k], _mm512_permutex2var_epi64(fours[k], odd, fours[4 + k]));
  }
}

// Packs `count` rows, `stride` bytes apart; the panel's other rows repeat the last one. The rows behind them, which the
// next panel is packed from, are fetched into the cache: 16 short streams are too many for the CPU to foresee.
template <typename Rows>
void PackPanel(const char* first, size_t stride, int count, int blocks, WeightBlock* panel) {
  const char* starts[kPanelRows];
  for (int row = 0; row < kPanelRows; ++row) starts[row] = first + (row < count ? row : count - 1) * stride;
  for (int block = 0; block < blocks; ++block, ++panel) {
    const char* ahead = starts[0] + kPanelRows * stride + block * kPanelRows * Rows::kBytes;
    for (size_t line = 0; line < kPanelRows * Rows::kBytes; line += 64) _mm_prefetch(ahead + line, _MM_HINT_T0);
    __m256i rows[kPanelRows];
    alignas(32) uint16_t scales[kPanelRows];
    for (int row = 0; row < kPanelRows; ++row) {
      const char* at = starts[row] + block * Rows::kBytes;
      rows[row] = Rows::Values(at);
      scales[row] = Rows::Scale(at);
    }
    Interleave(rows, panel->values);
    _mm512_store_ps(panel->scales, _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(scales))));
  }
}

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_PANEL_H_
