// Included before ggml-cpu.c (cmake/kernels.cmake), where each thread walks through the graph and asks only here
// whether an operation is one that computes nothing. Ours may then have computed it, with those that follow. The
// vendored tree is not edited.

#ifndef AUTOCOG_KERNELS_FUSE_H_
#define AUTOCOG_KERNELS_FUSE_H_

#include <stdbool.h>

#include "ggml-cpu-impl.h"
#include "ggml-impl.h"

#ifdef __cplusplus
extern "C" {
#endif

// Called by each of the threads. If attention begins at this node of the graph, computes it and sets `node` to its last
// one. Otherwise returns false.
bool AutocogAttention(const struct ggml_cgraph* graph, int* node, const struct ggml_compute_params* params);

#ifdef __cplusplus
}
#endif

// Only in C: the CPU backend's C++ files use the function as it is.
#ifndef __cplusplus
#define ggml_op_is_empty(op) \
  (ggml_op_is_empty(op) || (!ggml_cpu_disable_fusion && AutocogAttention(cgraph, &node_n, &params)))
#endif

#endif  // AUTOCOG_KERNELS_FUSE_H_
