// JobThread: order of jobs, stop and join.

#include "engine/common/job_thread.h"

#include <atomic>
#include <chrono>
#include <vector>

#include "test/common/check.h"

TEST_CASE("jobs run in the order in which they were posted") {
  std::vector<int> seen;
  {
    autocog::JobThread thread;
    for (int i = 0; i < 1000; ++i) thread.Post([&seen, i] { seen.push_back(i); });
  }
  EXPECT(seen.size() == 1000);
  for (size_t i = 0; i < seen.size(); ++i) EXPECT(seen[i] == static_cast<int>(i));
}

TEST_CASE("join runs queued jobs, requests them to stop, and rejects later ones") {
  autocog::JobThread thread;
  bool first_saw_stop = false;
  bool second_ran = false;
  thread.Post([&] {
    while (!thread.stopping()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    first_saw_stop = true;
  });
  thread.Post([&] { second_ran = true; });
  thread.Join();
  EXPECT(first_saw_stop);
  EXPECT(second_ran);
  EXPECT(!thread.Post([] {}));
  thread.Join();
}

TEST_CASE("an impatient join returns before a long job ends, and a patient one after it") {
  autocog::JobThread thread;
  std::atomic<bool> may_end{false};
  thread.Post([&] {
    while (!may_end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  EXPECT(!thread.JoinFor(std::chrono::milliseconds(20)));
  EXPECT(!thread.Post([] {}));
  may_end = true;
  EXPECT(thread.JoinFor(std::chrono::seconds(60)));
  EXPECT(thread.JoinFor(std::chrono::seconds(60)));
  thread.Join();
}
