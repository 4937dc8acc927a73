// Parts of a work buffer begin at multiples of 64 bytes, as vectors need.

#ifndef AUTOCOG_KERNELS_ALIGNED_H_
#define AUTOCOG_KERNELS_ALIGNED_H_

#include <cstddef>

namespace autocog::kernels {

inline size_t Aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace autocog::kernels

#endif  // AUTOCOG_KERNELS_ALIGNED_H_
