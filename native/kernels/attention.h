// Attention over a cache of F16 in one pass, for each few rows of queries: scores, mask, softmax and the sum of values.
// ggml computes each of these for all rows before the next, through memory, and also for all cells that the mask hides.
// In a batch of many branches those are most.

#ifndef AUTOCOG_KERNELS_ATTENTION_H_
#define AUTOCOG_KERNELS_ATTENTION_H_

#include "fuse.h"
#include "traits.h"

namespace autocog::kernels {

// Whether this build has the instructions.
extern const bool kHasAttention;

// Whether attention may begin with this operation, the product of keys and queries.
bool IsScores(const ggml_tensor* op);

// Reserves the memory that AutocogAttention needs; computes nothing by itself.
class Scores : public ggml::cpu::tensor_traits {
 public:
  bool work_size(int threads, const ggml_tensor* op, size_t& size) override;
  bool compute_forward(ggml_compute_params*, ggml_tensor*) override { return false; }
};

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_ATTENTION_H_
