// Products with the weights of the experts that each token chose (GGML_OP_MUL_MAT_ID). Every expert's rows are gathered
// in tiles and multiplied as by Products.

#ifndef AUTOCOG_KERNELS_EXPERTS_H_
#define AUTOCOG_KERNELS_EXPERTS_H_

#include "traits.h"

namespace autocog::kernels {

// Whether Experts computes this operation on this CPU: for all of its experts, however few rows one has, so that no
// result depends on what other tokens chose.
bool IsExperts(const ggml_tensor* op);

class Experts : public ggml::cpu::tensor_traits {
 public:
  bool work_size(int threads, const ggml_tensor* op, size_t& size) override;
  // Called by each of the threads.
  bool compute_forward(ggml_compute_params* params, ggml_tensor* op) override;
};

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_EXPERTS_H_
