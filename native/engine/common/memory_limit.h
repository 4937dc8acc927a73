// The memory limits of the process's control groups on Linux (containers, systemd units), version 1 and 2.

#ifndef AUTOCOG_ENGINE_COMMON_MEMORY_LIMIT_H_
#define AUTOCOG_ENGINE_COMMON_MEMORY_LIMIT_H_

#include <cstdint>
#include <optional>
#include <string>

namespace autocog {

// The bytes that this process can still use before the kernel ends it: the least over its group and all groups around
// it. Cached pages of files count as free. Empty without a limit. The arguments are for tests.
std::optional<uint64_t> FreeUnderMemoryLimit(const std::string& groups = "/proc/self/cgroup",
                                             const std::string& mounts = "/proc/self/mountinfo");

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_MEMORY_LIMIT_H_
