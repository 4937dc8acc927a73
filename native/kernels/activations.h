// Brings rows of activations that ggml has quantized into the form of a tile (blocks.h).

#ifndef AUTOCOG_KERNELS_ACTIVATIONS_H_
#define AUTOCOG_KERNELS_ACTIVATIONS_H_

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "blocks.h"
#include "rows/bytes.h"

namespace autocog::kernels {

// ggml's blocks of activations: their bytes, how many of ours they hold, where the values begin.
template <ggml_type kType>
struct Activations;

// Half-precision scale, values.
template <>
struct Activations<GGML_TYPE_Q8_0> {
  static constexpr size_t kBytes = 34;
  static constexpr size_t kValues = 2;
  static float Scale(const char* block) { return Half(block); }
};

// Half-precision scale, scale times sum of values, values.
template <>
struct Activations<GGML_TYPE_Q8_1> {
  static constexpr size_t kBytes = 36;
  static constexpr size_t kValues = 4;
  static float Scale(const char* block) { return Half(block); }
};

// Scale, 256 values, 16 sums, which ggml leaves undefined if all values are zero.
template <>
struct Activations<GGML_TYPE_Q8_K> {
  static constexpr size_t kBytes = 292;
  static constexpr size_t kValues = 4;
  static float Scale(const char* block) { return Load<float>(block); }
};

// The sum of 4 * kCount signed bytes, the fours of which are added up already.
inline int32_t Sum4(__m128i fours) {
  const __m128i pair = _mm_add_epi32(fours, _mm_unpackhi_epi64(fours, fours));
  return _mm_cvtsi128_si32(pair) + _mm_extract_epi32(pair, 1);
}

// Writes row `row` of a tile of `rows` rows.
template <typename Rows>
void FillTile(const char* quantized, int blocks, int row, int rows, void* tile) {
  using Packed = typename Rows::Packed;
  using Source = Activations<Rows::kActivations>;
  auto* out = static_cast<ActivationBlock<Packed>*>(tile) + row;
  for (int block = 0; block < blocks; block += Packed::kParts, quantized += Source::kBytes) {
    for (int part = 0; part < Packed::kParts; ++part, out += rows) {
      const __m256i values = Load32(quantized + Source::kValues + part * kBlock);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out->values), values);
      out->scale = Source::Scale(quantized);
      if constexpr (Rows::kActivations == GGML_TYPE_Q8_1) {
        out->sums[0] = Half(quantized + 2);
      } else {
        const __m256i fours = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), values);
        const __m128i low = _mm256_castsi256_si128(fours);
        const __m128i high = _mm256_extracti128_si256(fours, 1);
        // Of 32 values at most 4096 each way: exact as a float, too.
        constexpr int kFactor = Packed::kOffsets ? 1 : -Rows::kZero;
        using Number = decltype(out->sums[0] + 0);
        if constexpr (Packed::kGroups == 1) {
          out->sums[0] = static_cast<Number>(kFactor * Sum4(_mm_add_epi32(low, high)));
        } else {
          out->sums[0] = static_cast<Number>(kFactor * Sum4(low));
          out->sums[1] = static_cast<Number>(kFactor * Sum4(high));
        }
      }
    }
  }
}

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_ACTIVATIONS_H_
