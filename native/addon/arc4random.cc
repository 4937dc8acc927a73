// std::random_device of a static libstdc++ calls arc4random, which glibc has since 2.36 only. This definition is found
// before glibc's, so that a portable addon loads on older systems, too. Part of AUTOCOG_VARIANTS builds on Linux.

#if defined(AUTOCOG_OWN_ARC4RANDOM)

#include <sys/random.h>

#include <cstdint>
#include <cstdlib>

extern "C" __attribute__((visibility("hidden"))) uint32_t arc4random() {
  uint32_t value = 0;
  // Small requests are answered in full, once the system has started.
  if (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) std::abort();
  return value;
}

#endif
