// Packs weights that ggml has repacked (its buffer type CPU_REPACK) into a panel. On a CPU with AVX2 it interleaves 8
// rows: a block has the scales of all 8, then their values, 8 bytes of each row in turn. The bytes of a block are
// otherwise those of its type (rows/).

#ifndef AUTOCOG_KERNELS_REPACKED_H_
#define AUTOCOG_KERNELS_REPACKED_H_

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "blocks.h"
#include "rows/bytes.h"
#include "rows/offset_k.h"

namespace autocog::kernels {

// Rows that are interleaved.
inline constexpr int kTogether = 8;

inline __m512i Load64(const char* from) { return _mm512_loadu_si512(from); }

// Eight half-precision numbers from each of two places.
inline __m512 Halves(const char* first, const char* second) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(first));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(second));
  return _mm512_cvtph_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
}

// Of 8 bytes of each of 8 rows, twice, writes the first four of all 16 rows, then the others.
inline void Split(__m512i first, __m512i second, uint8_t out[2][kPanelRows * 4]) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  _mm512_store_si512(out[0], _mm512_permutex2var_epi32(first, even, second));
  _mm512_store_si512(out[1], _mm512_permutex2var_epi32(first, odd, second));
}

// Scales, then two times 8 bytes of nibbles of each row, whose highest bit is flipped. Low halves are values 0 to 15.
struct Q4_0Repacked {
  using Packed = Format<1, false, 1>;
  static constexpr size_t kBytes = 18;

  static void Pack(const char* first, const char* second, WeightBlock<Packed>* panel) {
    _mm512_store_ps(panel->scales[0], Halves(first, second));
    const __m512i half = _mm512_set1_epi8(15);
    const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x88));
    for (int part = 0; part < 2; ++part) {
      const __m512i one = _mm512_xor_si512(Load64(first + 16 + 64 * part), flip);
      const __m512i two = _mm512_xor_si512(Load64(second + 16 + 64 * part), flip);
      Split(_mm512_and_si512(one, half), _mm512_and_si512(two, half), panel->values + 2 * part);
      Split(_mm512_and_si512(_mm512_srli_epi16(one, 4), half), _mm512_and_si512(_mm512_srli_epi16(two, 4), half),
            panel->values + 4 + 2 * part);
    }
  }
};

// The scales of scales, those of offsets, for each part 12 bytes with the scales and offsets of the 8 rows (as in Q4_K
// those of the 8 parts are), nibbles.
struct Q4_KRepacked {
  using Packed = Format<1, true, 8>;
  static constexpr size_t kBytes = 144;

  static void Pack(const char* first, const char* second, WeightBlock<Packed>* panel) {
    const __m512 scale = Halves(first, second);
    const __m512 offset = _mm512_sub_ps(_mm512_setzero_ps(), Halves(first + 16, second + 16));
    for (int part = 0; part < Packed::kParts; ++part) {
      uint64_t scales[2];
      uint64_t offsets[2];
      SixBits(first + 32 + 12 * part, scales[0], offsets[0]);
      SixBits(second + 32 + 12 * part, scales[1], offsets[1]);
      _mm512_store_ps(panel[part].scales[0], _mm512_mul_ps(Floats(scales), scale));
      _mm512_store_ps(panel[part].offsets[0], _mm512_mul_ps(Floats(offsets), offset));
    }
    const __m512i half = _mm512_set1_epi8(15);
    for (int eight = 0; eight < 16; ++eight) {
      const __m512i one = Load64(first + 128 + 64 * eight);
      const __m512i two = Load64(second + 128 + 64 * eight);
      WeightBlock<Packed>* low = panel + eight / 4 * 2;
      const int word = eight % 4 * 2;
      Split(_mm512_and_si512(one, half), _mm512_and_si512(two, half), low[0].values + word);
      Split(_mm512_and_si512(_mm512_srli_epi16(one, 4), half), _mm512_and_si512(_mm512_srli_epi16(two, 4), half),
            low[1].values + word);
    }
  }

 private:
  static __m512 Floats(const uint64_t bytes[2]) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))));
  }
};

// As PackPanel. `count` is 8 or 16, and `first` the place of a multiple of 8 rows.
template <typename Rows>
void PackRepacked(const char* first, size_t stride, int count, int blocks, void* panel) {
  auto* out = static_cast<WeightBlock<typename Rows::Packed>*>(panel);
  const char* second = count > kTogether ? first + kTogether * stride : first;
  const size_t ahead = kPanelRows * stride;
  for (int block = 0; block < blocks; block += Rows::Packed::kParts, out += Rows::Packed::kParts) {
    for (size_t line = 0; line < kTogether * Rows::kBytes; line += 64) {
      _mm_prefetch(first + ahead + line, _MM_HINT_T1);
      _mm_prefetch(second + ahead + line, _MM_HINT_T1);
    }
    Rows::Pack(first, second, out);
    first += kTogether * Rows::kBytes;
    second += kTogether * Rows::kBytes;
  }
}

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_REPACKED_H_
