// Our implementations of operations of ggml's CPU backend.

#ifndef AUTOCOG_KERNELS_KERNELS_H_
#define AUTOCOG_KERNELS_KERNELS_H_

#include <vector>

#include "ggml-backend.h"

namespace autocog::kernels {

// False with AUTOCOG_KERNELS=0 in the environment, which leaves everything to ggml.
bool AreKernelsEnabled();

}  // namespace autocog::kernels

// Our implementations, then those of ggml_backend_cpu_get_extra_buffer_types.
const std::vector<ggml_backend_buffer_type_t>& AutocogImplementations();

// What is computed by our kernels with the instructions of this build, separated by spaces.
extern "C" {
GGML_BACKEND_API const char* AutocogKernels();
}

#endif  // AUTOCOG_KERNELS_KERNELS_H_
