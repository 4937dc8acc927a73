// Our implementations of operations of ggml's CPU backend.

#ifndef AUTOCOG_KERNELS_KERNELS_H_
#define AUTOCOG_KERNELS_KERNELS_H_

namespace autocog::kernels {

// False with AUTOCOG_KERNELS=0 in the environment, which leaves everything to ggml.
bool AreKernelsEnabled();

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_KERNELS_H_
