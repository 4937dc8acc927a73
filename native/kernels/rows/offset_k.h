// Readers (bytes.h) of the types with 256 values in a block and with offsets: Q2_K, Q4_K, Q5_K.

#ifndef AUTOCOG_KERNELS_ROWS_OFFSET_K_H_
#define AUTOCOG_KERNELS_ROWS_OFFSET_K_H_

#include "bytes.h"

namespace autocog::kernels {

// 12 bytes hold 8 scales and 8 offsets of 6 bits: scales 0 to 3, offsets 0 to 3 (each with the two highest bits of the
// one 4 further), then nibbles of scales and offsets 4 to 7.
inline void SixBits(const char* from, uint64_t& scales, uint64_t& offsets) {
  const auto first = Load<uint32_t>(from);
  const auto second = Load<uint32_t>(from + 4);
  const auto third = Load<uint32_t>(from + 8);
  const uint64_t high_scales = (third & 0x0f0f0f0f) | (first >> 2 & 0x30303030);
  const uint64_t high_offsets = (third >> 4 & 0x0f0f0f0f) | (second >> 2 & 0x30303030);
  scales = (first & 0x3f3f3f3f) | high_scales << 32;
  offsets = (second & 0x3f3f3f3f) | high_offsets << 32;
}

// 16 bytes of scales (low halves) and offsets (high halves), 64 bytes of 2-bit values, the scale of both.
struct Q2_KRows {
  using Packed = Format<2, true, 8>;
  static constexpr ggml_type kActivations = GGML_TYPE_Q8_K;
  static constexpr size_t kBytes = 84;
  static constexpr int kZero = 0;

  template <int kPart>
  static __m256i Values(const char* block) {
    return Bits<2 * (kPart % 4), 3>(Load32(block + 16 + kPart / 4 * 32));
  }
  static Scales<2> ReadScales(const char* block) {
    const uint64_t half = 0x0f0f0f0f0f0f0f0f;
    const auto first = Load<uint64_t>(block);
    const auto second = Load<uint64_t>(block + 8);
    return {Load<uint16_t>(block + 80),
            Load<uint16_t>(block + 82),
            {first & half, second & half},
            {first >> 4 & half, second >> 4 & half}};
  }
};

// The scale of scales and that of offsets, 12 bytes of both, 128 bytes of nibbles.
struct Q4_KRows {
  using Packed = Format<1, true, 8>;
  static constexpr ggml_type kActivations = GGML_TYPE_Q8_K;
  static constexpr size_t kBytes = 144;
  static constexpr int kZero = 0;

  template <int kPart>
  static __m256i Values(const char* block) {
    return Bits<4 * (kPart % 2), 15>(Load32(block + 16 + kPart / 2 * 32));
  }
  static Scales<1> ReadScales(const char* block) {
    Scales<1> scales = {Load<uint16_t>(block), Load<uint16_t>(block + 2), {}, {}};
    SixBits(block + 4, scales.scales[0], scales.offsets[0]);
    return scales;
  }
};

// As Q4_K, with 32 bytes of fifth bits before the nibbles: bit i of each byte for part i.
struct Q5_KRows {
  using Packed = Format<1, true, 8>;
  static constexpr ggml_type kActivations = GGML_TYPE_Q8_K;
  static constexpr size_t kBytes = 176;
  static constexpr int kZero = 0;

  template <int kPart>
  static __m256i Values(const char* block) {
    const __m256i low = Bits<4 * (kPart % 2), 15>(Load32(block + 48 + kPart / 2 * 32));
    const __mmask32 high = _mm256_test_epi8_mask(Load32(block + 16), _mm256_set1_epi8(static_cast<char>(1 << kPart)));
    return _mm256_mask_add_epi8(low, high, low, _mm256_set1_epi8(16));
  }
  static Scales<1> ReadScales(const char* block) { return Q4_KRows::ReadScales(block); }
};

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_ROWS_OFFSET_K_H_
