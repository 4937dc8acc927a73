// See kernel.h.

#include "kernel.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VNNI__)
#include "activations.h"
#include "panel.h"
#include "repacked.h"
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

// The same for weights that ggml has repacked: only packing differs.
template <typename Rows, typename Repacked>
constexpr Kernel MakeRepacked() {
  static_assert(std::is_same_v<typename Rows::Packed, typename Repacked::Packed>, "panels are equal");
  Kernel kernel = Make<Rows>();
  kernel.pack = PackRepacked<Repacked>;
  return kernel;
}

struct Entry {
  ggml_type type;
  Kernel kernel;
};

constexpr Entry kKernels[] = {
    {GGML_TYPE_Q8_0, Make<Q8_0Rows>()}, {GGML_TYPE_Q6_K, Make<Q6_KRows>()}, {GGML_TYPE_Q5_K, Make<Q5_KRows>()},
    {GGML_TYPE_Q4_K, Make<Q4_KRows>()}, {GGML_TYPE_Q3_K, Make<Q3_KRows>()}, {GGML_TYPE_Q2_K, Make<Q2_KRows>()},
    {GGML_TYPE_Q5_0, Make<Q5_0Rows>()}, {GGML_TYPE_Q5_1, Make<Q5_1Rows>()}, {GGML_TYPE_Q4_0, Make<Q4_0Rows>()},
    {GGML_TYPE_Q4_1, Make<Q4_1Rows>()},
};

constexpr Entry kRepackedKernels[] = {
    {GGML_TYPE_Q4_0, MakeRepacked<Q4_0Rows, Q4_0Repacked>()},
    {GGML_TYPE_Q4_K, MakeRepacked<Q4_KRows, Q4_KRepacked>()},
};

template <size_t kCount>
const Kernel* Find(const Entry (&entries)[kCount], ggml_type type) {
  for (const Entry& entry : entries) {
    if (entry.type == type) return &entry.kernel;
  }
  return nullptr;
}

}  // namespace

std::vector<ggml_type> KernelTypes() {
  std::vector<ggml_type> types;
  for (const Entry& entry : kKernels) types.push_back(entry.type);
  return types;
}

const Kernel* KernelOf(ggml_type type) { return Find(kKernels, type); }

const Kernel* RepackedKernelOf(ggml_type type) { return Find(kRepackedKernels, type); }

}  // namespace autocog::kernels

#else

namespace autocog::kernels {

std::vector<ggml_type> KernelTypes() { return {}; }
const Kernel* KernelOf(ggml_type) { return nullptr; }
const Kernel* RepackedKernelOf(ggml_type) { return nullptr; }

}  // namespace autocog::kernels

#endif
