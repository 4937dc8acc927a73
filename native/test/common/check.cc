// Runs the registered tests in order and prints a TAP line for each, with diagnostics for failures.

#include "test/common/check.h"

#include <cstdio>
#include <vector>

namespace autocog::test {

namespace {

struct Registered {
  const char* name;
  Body body;
};

std::vector<Registered>& Registry() {
  static std::vector<Registered> registry;
  return registry;
}

int failures = 0;

}  // namespace

Test::Test(const char* name, Body body) { Registry().push_back({name, body}); }

void Expect(bool holds, const std::string& what, const char* file, int line) {
  if (holds) return;
  ++failures;
  std::printf("# %s:%d: %s\n", file, line, what.c_str());
}

int RunAll() {
  int failed = 0;
  int index = 0;
  std::printf("TAP version 14\n");
  for (const Registered& test : Registry()) {
    failures = 0;
    test.body();
    std::printf("%s %d - %s\n", failures == 0 ? "ok" : "not ok", ++index, test.name);
    std::fflush(stdout);
    if (failures > 0) ++failed;
  }
  std::printf("1..%d\n", index);
  return failed == 0 ? 0 : 1;
}

}  // namespace autocog::test

int main() { return autocog::test::RunAll(); }
