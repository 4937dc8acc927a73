// Memory limits: the files of control groups, versions 1 and 2, as containers and systemd lay them out.

#include "engine/common/memory_limit.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "test/common/check.h"

namespace {

namespace fs = std::filesystem;

// A folder with files in the place of /proc and /sys/fs/cgroup.
class Files {
 public:
  Files() : root_(fs::temp_directory_path() / ("autocog-limit-" + std::to_string(std::random_device{}()))) {}
  ~Files() { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::string Path(const std::string& path) const { return (root_ / path).string(); }

  std::optional<uint64_t> Free() const { return autocog::FreeUnderMemoryLimit(Path("groups"), Path("mounts")); }

 private:
  fs::path root_;
};

}  // namespace

TEST_CASE("version 2: the tightest group counts, and cached files count as free") {
  const Files files;
  files.Write("groups", "0::/app/worker\n");
  files.Write("mounts", "30 25 0:26 / " + files.Path("cg") + " rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
  files.Write("cg/app/memory.max", "1000\n");
  files.Write("cg/app/memory.current", "900\n");
  files.Write("cg/app/memory.stat", "anon 400\ninactive_file 300\nactive_file 100\n");
  files.Write("cg/app/worker/memory.max", "max\n");
  files.Write("cg/app/worker/memory.current", "900\n");
  EXPECT(files.Free() == 500);
  files.Write("cg/app/worker/memory.max", "950\n");
  EXPECT(files.Free() == 50);
  files.Write("cg/app/worker/memory.max", "800\n");
  EXPECT(files.Free() == 0);
}

TEST_CASE("version 1, in a container that reports its path outside") {
  const Files files;
  files.Write("groups", "9:cpu,cpuacct:/\n4:memory:/docker/abc\n0::/\n");
  files.Write("mounts", "30 25 0:26 /docker/abc " + files.Path("cpu") + " rw - cgroup cgroup rw,cpu\n" +
                            "31 25 0:27 /docker/abc " + files.Path("memory") + " rw - cgroup cgroup rw,memory\n");
  files.Write("memory/memory.limit_in_bytes", "1000\n");
  files.Write("memory/memory.usage_in_bytes", "700\n");
  files.Write("memory/memory.stat", "inactive_file 1\ntotal_inactive_file 100\ntotal_active_file 0\n");
  EXPECT(files.Free() == 400);
  files.Write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT(!files.Free());
}

TEST_CASE("without control groups there is no limit") {
  const Files files;
  EXPECT(!files.Free());
  files.Write("groups", "nonsense\n:\n0::\n4:memory:/a\n");
  files.Write("mounts", "- cgroup2\n\n30 25 0:26 /\n");
  EXPECT(!files.Free());
}
