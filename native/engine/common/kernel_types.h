// Which tensor types the CPU kernels of ggml compute. ggml itself checks them inside of a decode, where
// its answer is to end the process, or not at all, so that it calls a null function. Usable from any
// thread.

#ifndef AUTOCOG_ENGINE_COMMON_KERNEL_TYPES_H_
#define AUTOCOG_ENGINE_COMMON_KERNEL_TYPES_H_

#include "ggml.h"

namespace autocog {

// Whether the node's kernel computes a source of this type. REQUIRES: node->src[source] is not null.
bool IsSupported(const ggml_tensor* node, int source);

// Whether tensors of this type can be looked up or multiplied, as weights are.
bool IsWeightType(ggml_type type);

// The number of rows that a source selects by its values, which must be below; 0 if it is no index. Its kernel
// asserts that.
int64_t RowsIndexedBy(const ggml_tensor* node, int source);

// Whether the node is a norm whose epsilon its kernel asserts not to be negative (or NaN), and it is.
bool HasBadEpsilon(const ggml_tensor* node);

// Whether the node is a rotary embedding of a number of dimensions, or of sections of them, that its kernel asserts to
// be another.
bool HasBadRotation(const ggml_tensor* node);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_KERNEL_TYPES_H_
