// Products of quantized weights and activations, faster than ggml's on CPUs with AVX-512 VNNI. The arithmetic is the
// same: activations are quantized by ggml's own function, products of a block are exact integers. Only sums of
// floats round elsewhere.

#ifndef AUTOCOG_KERNELS_PRODUCTS_H_
#define AUTOCOG_KERNELS_PRODUCTS_H_

#include "traits.h"

namespace autocog::kernels {

// Whether Products computes this operation on this CPU.
bool IsProduct(const ggml_tensor* op);

class Products : public ggml::cpu::tensor_traits {
 public:
  bool work_size(int threads, const ggml_tensor* op, size_t& size) override;
  // Called by each of the threads.
  bool compute_forward(ggml_compute_params* params, ggml_tensor* op) override;
};

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_PRODUCTS_H_
