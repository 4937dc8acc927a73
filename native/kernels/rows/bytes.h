// What readers of weights share. A reader is a struct of one type of ggml:
//   Packed       the Format (blocks.h) that it is packed in
//   kActivations how ggml quantizes activations for it
//   kBytes       bytes of one of ggml's blocks: Packed::kParts blocks of ours
//   kZero        the value that stands for zero, if the type has no offsets
//   Values<kPart>(block)  the 32 unsigned values of a part
// and with one part: Scale(block), Offset(block); with several: Scales(block), whose result is Scales below.

#ifndef AUTOCOG_KERNELS_ROWS_BYTES_H_
#define AUTOCOG_KERNELS_ROWS_BYTES_H_

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "../blocks.h"
#include "ggml.h"

namespace autocog::kernels {

// Of a block of 8 parts: a weight is scale * scales[group] * value - offset * offsets[group], for each group of each
// part in turn; 8 signed bytes per word.
template <int kGroups>
struct Scales {
  uint16_t scale;
  uint16_t offset;
  uint64_t scales[kGroups];
  uint64_t offsets[kGroups];
};

template <typename T>
T Load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

inline __m256i Load32(const char* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

inline float Half(const char* from) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(Load<uint16_t>(from)))); }

// Bits from kShift on, of each byte.
template <int kShift, int kMask>
__m256i Bits(__m256i bytes) {
  return _mm256_and_si256(_mm256_srli_epi16(bytes, kShift), _mm256_set1_epi8(kMask));
}

// The low halves of 16 bytes, then the high halves.
inline __m256i Nibbles(const char* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(bytes), _mm_srli_epi16(bytes, 4), 1);
  return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_ROWS_BYTES_H_
