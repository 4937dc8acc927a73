// Packs rows of a quantized weight matrix into a panel (blocks.h).

#ifndef AUTOCOG_KERNELS_PANEL_H_
#define AUTOCOG_KERNELS_PANEL_H_

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "blocks.h"
#include "rows/bytes.h"

namespace autocog::kernels {

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

// The scales or offsets of one group: byte kByte % 8 of each row's word, times `factors`.
template <int kByte>
__m512 Group(const uint64_t words[kPanelRows], __m512 factors) {
  const __m512i low = _mm512_srli_epi64(_mm512_load_si512(words), kByte % 8 * 8);
  const __m512i high = _mm512_srli_epi64(_mm512_load_si512(words + 8), kByte % 8 * 8);
  const __m128i bytes = _mm_unpacklo_epi64(_mm512_cvtepi64_epi8(low), _mm512_cvtepi64_epi8(high));
  return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)), factors);
}

inline __m512 Halves(const uint16_t halves[kPanelRows]) {
  return _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(halves)));
}

template <typename Rows, int kPart>
void PackValues(const char* const blocks[kPanelRows], WeightBlock<typename Rows::Packed>* panel) {
  __m256i rows[kPanelRows];
  for (int row = 0; row < kPanelRows; ++row) rows[row] = Rows::template Values<kPart>(blocks[row]);
  Interleave(rows, panel->values);
}

// One block of each row whose scales are read as they are.
template <typename Rows>
void PackBlock(const char* const blocks[kPanelRows], WeightBlock<typename Rows::Packed>* panel) {
  PackValues<Rows, 0>(blocks, panel);
  alignas(32) uint16_t halves[kPanelRows];
  for (int row = 0; row < kPanelRows; ++row) halves[row] = Rows::Scale(blocks[row]);
  _mm512_store_ps(panel->scales[0], Halves(halves));
  if constexpr (Rows::Packed::kOffsets) {
    for (int row = 0; row < kPanelRows; ++row) halves[row] = Rows::Offset(blocks[row]);
    _mm512_store_ps(panel->offsets[0], Halves(halves));
  }
}

// One block of several parts.
template <typename Rows, int... kParts>
void PackParts(const char* const blocks[kPanelRows], WeightBlock<typename Rows::Packed>* panel,
               std::integer_sequence<int, kParts...>) {
  constexpr int kGroups = Rows::Packed::kGroups;
  alignas(32) uint16_t halves[2][kPanelRows];
  alignas(64) uint64_t scales[kGroups][kPanelRows];
  alignas(64) uint64_t offsets[kGroups][kPanelRows];
  for (int row = 0; row < kPanelRows; ++row) {
    const Scales<kGroups> read = Rows::ReadScales(blocks[row]);
    halves[0][row] = read.scale;
    halves[1][row] = read.offset;
    for (int word = 0; word < kGroups; ++word) {
      scales[word][row] = read.scales[word];
      offsets[word][row] = read.offsets[word];
    }
  }
  const __m512 scale = Halves(halves[0]);
  const __m512 offset = _mm512_sub_ps(_mm512_setzero_ps(), Halves(halves[1]));
  const auto pack = [&](auto part) {
    constexpr int kPart = decltype(part)::value;
    constexpr int kFirst = kPart * kGroups;
    constexpr int kLast = kFirst + kGroups - 1;
    PackValues<Rows, kPart>(blocks, panel + kPart);
    _mm512_store_ps(panel[kPart].scales[0], Group<kFirst>(scales[kFirst / 8], scale));
    if constexpr (kGroups == 2) _mm512_store_ps(panel[kPart].scales[1], Group<kLast>(scales[kLast / 8], scale));
    if constexpr (Rows::Packed::kOffsets) {
      _mm512_store_ps(panel[kPart].offsets[0], Group<kFirst>(offsets[kFirst / 8], offset));
      if constexpr (kGroups == 2) _mm512_store_ps(panel[kPart].offsets[1], Group<kLast>(offsets[kLast / 8], offset));
    }
  };
  (pack(std::integral_constant<int, kParts>()), ...);
}

// Packs `count` rows of `blocks` * kBlock values, `stride` bytes apart; the panel's other rows repeat the last one.
template <typename Rows>
void PackPanel(const char* first, size_t stride, int count, int blocks, void* panel) {
  auto* out = static_cast<WeightBlock<typename Rows::Packed>*>(panel);
  constexpr int kParts = Rows::Packed::kParts;
  const char* rows[kPanelRows];
  for (int row = 0; row < kPanelRows; ++row) rows[row] = first + (row < count ? row : count - 1) * stride;
  const char* ahead = first + kPanelRows * stride;
  for (int block = 0; block < blocks; block += kParts, out += kParts) {
    if constexpr (kParts == 1) {
      PackBlock<Rows>(rows, out);
    } else {
      PackParts<Rows>(rows, out, std::make_integer_sequence<int, kParts>());
    }
    // The next panel's rows, which lie behind these: 16 short streams are too many for the CPU to foresee.
    for (size_t line = 0; line < kPanelRows * Rows::kBytes; line += 64) _mm_prefetch(ahead + line, _MM_HINT_T0);
    ahead += kPanelRows * Rows::kBytes;
    for (const char*& row : rows) row += Rows::kBytes;
  }
}

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_PANEL_H_
