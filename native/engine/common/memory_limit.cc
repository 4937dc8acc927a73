// See memory_limit.h; cgroups(7) describes both formats.

#include "engine/common/memory_limit.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace autocog {

namespace {

// Without a limit, version 1 reports the largest multiple of the page size.
constexpr uint64_t kUnlimited = uint64_t{1} << 60;

struct Hierarchy {
  bool second = false;  // version 2
  std::string path;     // of this process's group, in the hierarchy
  std::string root;     // the group that is mounted
  std::string mount;    // the folder where it is mounted
};

// Whether a list that is separated by commas has this item.
bool Lists(const std::string& list, const std::string& item) {
  return ("," + list + ",").find("," + item + ",") != std::string::npos;
}

// Fills in where the hierarchy is mounted; false if it is not.
bool FindMount(const std::string& mounts, Hierarchy* hierarchy) {
  std::ifstream file(mounts);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string ignored;
    std::string root;
    std::string mount;
    fields >> ignored >> ignored >> ignored >> root >> mount;
    std::string field;
    while (fields >> field && field != "-") {
    }
    std::string type;
    std::string options;
    fields >> type >> ignored >> options;
    const bool match = hierarchy->second ? type == "cgroup2" : type == "cgroup" && Lists(options, "memory");
    if (!match) continue;
    hierarchy->root = root == "/" ? "" : root;
    hierarchy->mount = mount;
    return true;
  }
  return false;
}

std::optional<uint64_t> ReadNumber(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  // "max" is no number.
  if (!(file >> value)) return std::nullopt;
  return value;
}

// Pages of files, which the kernel drops when memory runs short.
uint64_t ReadCached(const std::string& folder, bool second) {
  std::ifstream file(folder + "/memory.stat");
  const std::string prefix = second ? "" : "total_";
  uint64_t cached = 0;
  std::string name;
  for (uint64_t value = 0; file >> name >> value;) {
    if (name == prefix + "inactive_file" || name == prefix + "active_file") cached += value;
  }
  return cached;
}

std::optional<uint64_t> FreeInGroup(const std::string& folder, bool second) {
  const auto limit = ReadNumber(folder + (second ? "/memory.max" : "/memory.limit_in_bytes"));
  const auto usage = ReadNumber(folder + (second ? "/memory.current" : "/memory.usage_in_bytes"));
  if (!limit || !usage || *limit >= kUnlimited) return std::nullopt;
  const uint64_t held = *usage - std::min(*usage, ReadCached(folder, second));
  return *limit - std::min(*limit, held);
}

std::optional<uint64_t> Smaller(std::optional<uint64_t> a, std::optional<uint64_t> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// The least over the group and those around it, up to the one that is mounted.
std::optional<uint64_t> FreeInHierarchy(const Hierarchy& hierarchy) {
  std::string path = hierarchy.path;
  // In a container, the group may be reported by its path outside, while only it is mounted.
  if (path.compare(0, hierarchy.root.size(), hierarchy.root) == 0) {
    path.erase(0, hierarchy.root.size());
  } else {
    path.clear();
  }
  std::optional<uint64_t> free = FreeInGroup(hierarchy.mount, hierarchy.second);
  while (path.size() > 1) {
    free = Smaller(free, FreeInGroup(hierarchy.mount + path, hierarchy.second));
    path.erase(path.rfind('/'));
  }
  return free;
}

}  // namespace

std::optional<uint64_t> FreeUnderMemoryLimit(const std::string& groups, const std::string& mounts) {
  std::optional<uint64_t> free;
  std::ifstream file(groups);
  // Lines are "number:controllers:path"; version 2 has no controllers.
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    Hierarchy hierarchy;
    hierarchy.second = controllers.empty();
    hierarchy.path = line.substr(second + 1);
    if (!hierarchy.second && !Lists(controllers, "memory")) continue;
    if (FindMount(mounts, &hierarchy)) free = Smaller(free, FreeInHierarchy(hierarchy));
  }
  return free;
}

}  // namespace autocog
