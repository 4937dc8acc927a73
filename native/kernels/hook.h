// Included before ggml-cpu/traits.cpp (cmake/kernels.cmake), where the CPU backend asks for each operation whether
// another implementation computes it. Ours are asked before ggml's. The vendored tree is not edited.

#ifndef AUTOCOG_KERNELS_HOOK_H_
#define AUTOCOG_KERNELS_HOOK_H_

#include "kernels.h"
#include "traits.h"

#define ggml_backend_cpu_get_extra_buffer_types AutocogImplementations

#endif  // AUTOCOG_KERNELS_HOOK_H_
