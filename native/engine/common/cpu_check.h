// Checks that this CPU supports the instructions that the build uses. Called when the addon is loaded, before any code
// of the CPU backend runs, because the alternative is a SIGILL in the first decode.

#ifndef AUTOCOG_ENGINE_COMMON_CPU_CHECK_H_
#define AUTOCOG_ENGINE_COMMON_CPU_CHECK_H_

#include "engine/common/status.h"

namespace autocog {

// kNotSupported, listing the missing instruction sets. Always OK in a build with CPU variants.
Status CheckCpu();

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_CPU_CHECK_H_
