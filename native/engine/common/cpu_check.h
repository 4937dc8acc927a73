// Whether this CPU has the instructions that the build uses; asked when the addon is loaded,
// because the alternative is a SIGILL in the first decode.

#ifndef AUTOCOG_ENGINE_COMMON_CPU_CHECK_H_
#define AUTOCOG_ENGINE_COMMON_CPU_CHECK_H_

#include "engine/common/status.h"

namespace autocog {

// kNotSupported, naming what is missing. Always ok in a build that was tuned for its own CPU.
Status CheckCpu();

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_CPU_CHECK_H_
