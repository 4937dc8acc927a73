// Which tensor types the CPU kernels of ggml compute. ggml itself checks them inside of a decode, where
// its answer is to end the process, or not at all, so that it calls a null function. Usable from any
// thread.

#ifndef AUTOCOG_ENGINE_MODEL_KERNEL_TYPES_H_
#define AUTOCOG_ENGINE_MODEL_KERNEL_TYPES_H_

#include "ggml.h"

namespace autocog {

// The index of the first source whose type the node's kernel does not compute; -1 if it computes all of them.
int UnsupportedSource(const ggml_tensor* node);

// Whether the node is a norm whose epsilon its kernel asserts not to be negative (or NaN), and it is.
bool HasBadEpsilon(const ggml_tensor* node);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_KERNEL_TYPES_H_
