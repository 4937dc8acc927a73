// Workers: every item is processed exactly once, in repeated runs.

#include "engine/common/workers.h"

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "test/common/check.h"

TEST_CASE("workers process every item once and wait for all") {
  for (int threads : {1, 2, 5}) {
    autocog::Workers workers(threads);
    for (int count = 0; count < 200; ++count) {
      std::vector<std::atomic<int>> done(static_cast<size_t>(count) + 1);
      workers.Run(count, [&](int i) { ++done[static_cast<size_t>(i)]; });
      for (int i = 0; i <= count; ++i) EXPECT(done[static_cast<size_t>(i)] == (i < count ? 1 : 0));
    }
  }
}

TEST_CASE("unused workers can be destroyed") { const autocog::Workers workers(8); }
