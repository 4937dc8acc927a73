// Readers (bytes.h) of the types with one scale for 32 values.

#ifndef AUTOCOG_KERNELS_ROWS_BLOCKS_OF_32_H_
#define AUTOCOG_KERNELS_ROWS_BLOCKS_OF_32_H_

#include "bytes.h"

namespace autocog::kernels {

// Half-precision scale, 32 signed bytes.
struct Q8_0Rows {
  using Packed = Format<1, false, 1>;
  static constexpr ggml_type kActivations = GGML_TYPE_Q8_0;
  static constexpr size_t kBytes = 34;
  static constexpr int kZero = 128;

  template <int>
  static __m256i Values(const char* block) {
    return _mm256_xor_si256(Load32(block + 2), _mm256_set1_epi8(static_cast<char>(kZero)));
  }
  static uint16_t Scale(const char* block) { return Load<uint16_t>(block); }
};

// Scale, 16 bytes of nibbles.
struct Q4_0Rows {
  using Packed = Format<1, false, 1>;
  static constexpr ggml_type kActivations = GGML_TYPE_Q8_0;
  static constexpr size_t kBytes = 18;
  static constexpr int kZero = 8;

  template <int>
  static __m256i Values(const char* block) {
    return Nibbles(block + 2);
  }
  static uint16_t Scale(const char* block) { return Load<uint16_t>(block); }
};

// Scale, offset, nibbles.
struct Q4_1Rows {
  using Packed = Format<1, true, 1>;
  static constexpr ggml_type kActivations = GGML_TYPE_Q8_1;
  static constexpr size_t kBytes = 20;
  static constexpr int kZero = 0;

  template <int>
  static __m256i Values(const char* block) {
    return Nibbles(block + 4);
  }
  static uint16_t Scale(const char* block) { return Load<uint16_t>(block); }
  static uint16_t Offset(const char* block) { return Load<uint16_t>(block + 2); }
};

// Nibbles with a fifth bit each.
inline __m256i FiveBits(const char* bits, const char* nibbles) {
  const __m256i low = Nibbles(nibbles);
  return _mm256_mask_add_epi8(low, Load<uint32_t>(bits), low, _mm256_set1_epi8(16));
}

// Scale, 4 bytes of fifth bits, nibbles.
struct Q5_0Rows {
  using Packed = Format<1, false, 1>;
  static constexpr ggml_type kActivations = GGML_TYPE_Q8_0;
  static constexpr size_t kBytes = 22;
  static constexpr int kZero = 16;

  template <int>
  static __m256i Values(const char* block) {
    return FiveBits(block + 2, block + 6);
  }
  static uint16_t Scale(const char* block) { return Load<uint16_t>(block); }
};

// Scale, offset, fifth bits, nibbles.
struct Q5_1Rows {
  using Packed = Format<1, true, 1>;
  static constexpr ggml_type kActivations = GGML_TYPE_Q8_1;
  static constexpr size_t kBytes = 24;
  static constexpr int kZero = 0;

  template <int>
  static __m256i Values(const char* block) {
    return FiveBits(block + 4, block + 8);
  }
  static uint16_t Scale(const char* block) { return Load<uint16_t>(block); }
  static uint16_t Offset(const char* block) { return Load<uint16_t>(block + 2); }
};

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_ROWS_BLOCKS_OF_32_H_
