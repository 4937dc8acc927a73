// Work that is shared between threads is done once each, all of it, again and again.

#include "engine/common/workers.h"

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "test/common/check.h"

TEST_CASE("workers do every item once and wait for all") {
  for (int threads : {1, 2, 5}) {
    autocog::Workers workers(threads);
    for (int count = 0; count < 200; ++count) {
      std::vector<std::atomic<int>> done(static_cast<size_t>(count) + 1);
      workers.Run(count, [&](int i) { ++done[static_cast<size_t>(i)]; });
      for (int i = 0; i <= count; ++i) EXPECT(done[static_cast<size_t>(i)] == (i < count ? 1 : 0));
    }
  }
}

TEST_CASE("workers that were never used end at once") { const autocog::Workers workers(8); }
