// See kernel.h.

#include "kernel.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VNNI__)
#include "activations.h"
#include "panel.h"
#include "rows/blocks_of_32.h"
#include "rows/offset_k.h"
#include "rows/symmetric_k.h"
#include "tile.h"

namespace autocog::kernels {

namespace {

template <typename Rows>
constexpr Kernel Make() {
  using Packed = typename Rows::Packed;
  static_assert(sizeof(WeightBlock<Packed>) * Packed::kParts >= Activations<Rows::kActivations>::kBytes,
                "a panel's place also holds a quantized row");
  return {Rows::kActivations,
          sizeof(WeightBlock<Packed>),
          sizeof(ActivationBlock<Packed>),
          PackPanel<Rows>,
          FillTile<Rows>,
          {MultiplyTile<Packed, 1>, MultiplyTile<Packed, 2>, MultiplyTile<Packed, 3>, MultiplyTile<Packed, 4>,
           MultiplyTile<Packed, 5>, MultiplyTile<Packed, 6>, MultiplyTile<Packed, 7>, MultiplyTile<Packed, 8>}};
}

constexpr Kernel kQ4_0 = Make<Q4_0Rows>();
constexpr Kernel kQ4_1 = Make<Q4_1Rows>();
constexpr Kernel kQ5_0 = Make<Q5_0Rows>();
constexpr Kernel kQ5_1 = Make<Q5_1Rows>();
constexpr Kernel kQ8_0 = Make<Q8_0Rows>();
constexpr Kernel kQ2_K = Make<Q2_KRows>();
constexpr Kernel kQ3_K = Make<Q3_KRows>();
constexpr Kernel kQ4_K = Make<Q4_KRows>();
constexpr Kernel kQ5_K = Make<Q5_KRows>();
constexpr Kernel kQ6_K = Make<Q6_KRows>();

}  // namespace

const Kernel* KernelOf(ggml_type type) {
  switch (type) {
    case GGML_TYPE_Q4_0:
      return &kQ4_0;
    case GGML_TYPE_Q4_1:
      return &kQ4_1;
    case GGML_TYPE_Q5_0:
      return &kQ5_0;
    case GGML_TYPE_Q5_1:
      return &kQ5_1;
    case GGML_TYPE_Q8_0:
      return &kQ8_0;
    case GGML_TYPE_Q2_K:
      return &kQ2_K;
    case GGML_TYPE_Q3_K:
      return &kQ3_K;
    case GGML_TYPE_Q4_K:
      return &kQ4_K;
    case GGML_TYPE_Q5_K:
      return &kQ5_K;
    case GGML_TYPE_Q6_K:
      return &kQ6_K;
    default:
      return nullptr;
  }
}

}  // namespace autocog::kernels

#else

namespace autocog::kernels {

const Kernel* KernelOf(ggml_type) { return nullptr; }

}  // namespace autocog::kernels

#endif
