// The inner loops of attention, for a tile of up to 8 rows of queries that share their keys and values. Cells of the
// cache are taken 16 at a time: those are a panel.

#ifndef AUTOCOG_KERNELS_ATTENTION_TILE_H_
#define AUTOCOG_KERNELS_ATTENTION_TILE_H_

#include <immintrin.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "ggml-cpu-impl.h"
#include "vec.h"

namespace autocog::kernels {

// Cells in a panel: the lanes of a 512-bit register.
inline constexpr int kCells = 16;
// Rows of queries in a tile. More would not fit in the registers.
inline constexpr int kQueries = 8;

// The nearest half-precision numbers: ggml rounds both operands to the type of the cache.
inline __m512 RoundToHalf(__m512 values) {
  return _mm512_cvtph_ps(_mm512_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

inline __m512 LoadHalf(const char* values) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(values)));
}

inline void Transpose(__m512 rows[16]) {
  __m512 twos[16];
  for (int i = 0; i < 16; i += 2) {
    twos[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    twos[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
  // Four rows of one column in each 128-bit lane: column 4 * lane + k in fours[i + k].
  __m512 fours[16];
  for (int i = 0; i < 16; i += 4) {
    const auto pair = [&](int k) { return _mm512_castps_pd(twos[i + k]); };
    fours[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(pair(0), pair(2)));
    fours[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(pair(0), pair(2)));
    fours[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(pair(1), pair(3)));
    fours[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(pair(1), pair(3)));
  }
  for (int k = 0; k < 4; ++k) {
    const __m512 even = _mm512_shuffle_f32x4(fours[k], fours[4 + k], 0x88);
    const __m512 odd = _mm512_shuffle_f32x4(fours[k], fours[4 + k], 0xdd);
    const __m512 even_below = _mm512_shuffle_f32x4(fours[8 + k], fours[12 + k], 0x88);
    const __m512 odd_below = _mm512_shuffle_f32x4(fours[8 + k], fours[12 + k], 0xdd);
    rows[k] = _mm512_shuffle_f32x4(even, even_below, 0x88);
    rows[4 + k] = _mm512_shuffle_f32x4(odd, odd_below, 0x88);
    rows[8 + k] = _mm512_shuffle_f32x4(even, even_below, 0xdd);
    rows[12 + k] = _mm512_shuffle_f32x4(odd, odd_below, 0xdd);
  }
}

// Packs the keys of 16 cells, `stride` bytes apart, so that their values of one dimension are side by side.
inline void PackKeys(const char* keys, size_t stride, int width, float* panel) {
  for (int at = 0; at < width; at += 16, panel += 16 * kCells) {
    __m512 rows[16];
    for (int cell = 0; cell < kCells; ++cell) rows[cell] = LoadHalf(keys + cell * stride + at * sizeof(ggml_fp16_t));
    Transpose(rows);
    for (int i = 0; i < 16; ++i) _mm512_store_ps(panel + i * kCells, rows[i]);
  }
}

// What the scores of one row are changed by before the softmax.
struct RowMask {
  const float* mask;  // of all cells; null if none is hidden
  float slope;        // factor of the mask (ALiBi)
};

// Scores of the rows of a tile and the 16 cells of a panel, written to `out`, whose rows are `stride` floats apart.
template <int kRows>
void ScorePanel(int width, const float* panel, const float* queries, float scale, const RowMask* masks, int cell,
                float* out, size_t stride) {
  __m512 sums[kRows];
  for (int row = 0; row < kRows; ++row) sums[row] = _mm512_setzero_ps();
  for (int i = 0; i < width; ++i, panel += kCells, queries += kQueries) {
    const __m512 keys = _mm512_load_ps(panel);
    for (int row = 0; row < kRows; ++row) sums[row] = _mm512_fmadd_ps(keys, _mm512_set1_ps(queries[row]), sums[row]);
  }
  for (int row = 0; row < kRows; ++row) {
    __m512 scores = _mm512_mul_ps(sums[row], _mm512_set1_ps(scale));
    if (masks[row].mask != nullptr) {
      const __m512 mask = _mm512_loadu_ps(masks[row].mask + cell);
      scores = _mm512_add_ps(scores, _mm512_mul_ps(mask, _mm512_set1_ps(masks[row].slope)));
    }
    _mm512_storeu_ps(out + row * stride, scores);
  }
}

// Turns the scores of one row into probabilities, rounded like the values of the cache. `sink`, or minus infinity, is
// the score of a cell without value.
inline void Softmax(float* scores, int panels, float sink) {
  __m512 highest = _mm512_set1_ps(sink);
  for (int i = 0; i < panels; ++i) highest = _mm512_max_ps(highest, _mm512_loadu_ps(scores + i * kCells));
  const float maximum = _mm512_reduce_max_ps(highest);
  __m512d low = _mm512_setzero_pd();
  __m512d high = _mm512_setzero_pd();
  for (int i = 0; i < panels; ++i) {
    float* at = scores + i * kCells;
    const __m512 exponentials = ggml_v_expf(_mm512_sub_ps(_mm512_loadu_ps(at), _mm512_set1_ps(maximum)));
    low = _mm512_add_pd(low, _mm512_cvtps_pd(_mm512_castps512_ps256(exponentials)));
    high = _mm512_add_pd(high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(exponentials, 1)));
    _mm512_storeu_ps(at, exponentials);
  }
  double sum = _mm512_reduce_add_pd(_mm512_add_pd(low, high));
  if (sink != -INFINITY) sum += std::exp(sink - maximum);
  const __m512 factor = _mm512_set1_ps(static_cast<float>(1.0 / sum));
  for (int i = 0; i < panels; ++i) {
    float* at = scores + i * kCells;
    _mm512_storeu_ps(at, RoundToHalf(_mm512_mul_ps(_mm512_loadu_ps(at), factor)));
  }
}

// Sums the values of four dimensions for four rows: `values` has a dimension per row of `value_stride` bytes, `cells`
// the first cell of each panel. Writes to outputs[row][0 .. 3] of the first `rows`.
inline void SumValues(const float* probabilities, size_t stride, const int32_t* cells, int panels, const char* values,
                      size_t value_stride, int rows, float* const outputs[4]) {
  __m512 sums[4][4];
  for (auto& row : sums) {
    for (__m512& sum : row) sum = _mm512_setzero_ps();
  }
  for (int i = 0; i < panels; ++i) {
    __m512 left[4];
    for (int row = 0; row < 4; ++row) left[row] = _mm512_loadu_ps(probabilities + row * stride + i * kCells);
    for (int k = 0; k < 4; ++k) {
      const __m512 right = LoadHalf(values + k * value_stride + cells[i] * sizeof(ggml_fp16_t));
      for (int row = 0; row < 4; ++row) sums[row][k] = _mm512_fmadd_ps(left[row], right, sums[row][k]);
    }
  }
  for (int row = 0; row < rows; ++row) {
    for (int k = 0; k < 4; ++k) outputs[row][k] = _mm512_reduce_add_ps(sums[row][k]);
  }
}

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_ATTENTION_TILE_H_
