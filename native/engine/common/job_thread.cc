// See job_thread.h.

#include "engine/common/job_thread.h"

#include <utility>

namespace autocog {

JobThread::JobThread() : thread_([this] { Run(); }) {}

JobThread::~JobThread() { Join(); }

bool JobThread::Post(std::function<void()> job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (ending_) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void JobThread::End() {
  Stop();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
}

void JobThread::Join() {
  End();
  if (thread_.joinable()) thread_.join();
}

bool JobThread::JoinFor(std::chrono::milliseconds patience) {
  End();
  {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!end_.wait_for(lock, patience, [this] { return ended_; })) return false;
  }
  Join();
  return true;
}

void JobThread::Run() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) {
        ended_ = true;
        end_.notify_all();
        return;
      }
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job();
  }
}

}  // namespace autocog
