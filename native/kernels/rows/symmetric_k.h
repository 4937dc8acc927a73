// Readers (bytes.h) of the types with 256 values in a block and without offsets: Q3_K, Q6_K.

#ifndef AUTOCOG_KERNELS_ROWS_SYMMETRIC_K_H_
#define AUTOCOG_KERNELS_ROWS_SYMMETRIC_K_H_

#include "bytes.h"

namespace autocog::kernels {

// 32 bytes of third bits (bit i of each byte for part i), 64 bytes of the lower two, 16 scales of 6 bits, their scale.
struct Q3_KRows {
  using Packed = Format<2, false, 8>;
  static constexpr ggml_type kActivations = GGML_TYPE_Q8_K;
  static constexpr size_t kBytes = 110;
  static constexpr int kZero = 4;

  template <int kPart>
  static __m256i Values(const char* block) {
    const __m256i low = Bits<2 * (kPart % 4), 3>(Load32(block + 32 + kPart / 4 * 32));
    const __mmask32 high = _mm256_test_epi8_mask(Load32(block), _mm256_set1_epi8(static_cast<char>(1 << kPart)));
    return _mm256_mask_add_epi8(low, high, low, _mm256_set1_epi8(4));
  }
  // 8 bytes of nibbles: low halves are scales 0 to 7, high halves 8 to 15; then 4 bytes with two bits of each.
  static Scales<2> ReadScales(const char* block) {
    const auto low = Load<uint64_t>(block + 96);
    const uint64_t high = Load<uint32_t>(block + 104);
    const uint64_t pairs = high | high >> 2 << 32;
    const uint64_t first = (low & 0x0f0f0f0f0f0f0f0f) | (pairs << 4 & 0x3030303030303030);
    const uint64_t second = (low >> 4 & 0x0f0f0f0f0f0f0f0f) | (pairs & 0x3030303030303030);
    return {Load<uint16_t>(block + 108), 0, {Less32(first), Less32(second)}, {}};
  }

 private:
  // Each of the 8 bytes, from 0 to 63, less 32.
  static uint64_t Less32(uint64_t bytes) {
    const uint64_t sign = 0x8080808080808080;
    return ((bytes | sign) - 0x2020202020202020) ^ sign;
  }
};

// 128 bytes of nibbles, 64 bytes of the upper two bits, 16 signed scales, their scale.
struct Q6_KRows {
  using Packed = Format<2, false, 8>;
  static constexpr ggml_type kActivations = GGML_TYPE_Q8_K;
  static constexpr size_t kBytes = 210;
  static constexpr int kZero = 32;

  template <int kPart>
  static __m256i Values(const char* block) {
    constexpr int kQuarter = kPart % 4;
    const __m256i low = Bits<kQuarter / 2 * 4, 15>(Load32(block + kPart / 4 * 64 + kQuarter % 2 * 32));
    const __m256i high = Bits<2 * kQuarter, 3>(Load32(block + 128 + kPart / 4 * 32));
    return _mm256_or_si256(low, _mm256_slli_epi16(high, 4));
  }
  static Scales<2> ReadScales(const char* block) {
    return {Load<uint16_t>(block + 208), 0, {Load<uint64_t>(block + 192), Load<uint64_t>(block + 200)}, {}};
  }
};

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_ROWS_SYMMETRIC_K_H_
