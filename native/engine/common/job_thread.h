// A thread with a FIFO job queue: the only thread that accesses the objects its jobs use. Each session
// and each model owns one; docs/architecture.md describes the threading model.

#ifndef AUTOCOG_ENGINE_COMMON_JOB_THREAD_H_
#define AUTOCOG_ENGINE_COMMON_JOB_THREAD_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace autocog {

class JobThread {
 public:
  JobThread();
  // Join()s. Must not run on the thread itself.
  ~JobThread();
  JobThread(const JobThread&) = delete;
  JobThread& operator=(const JobThread&) = delete;

  // Queues a job. After Join() it drops the job and returns false. Callable from any thread.
  bool Post(std::function<void()> job);

  // Requests running and queued jobs to end soon: they check stopping(). Queued jobs still run, so that
  // each can report its result. Callable from any thread; idempotent.
  void Stop() { stopping_.store(true, std::memory_order_relaxed); }
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

  // Calls Stop(), then waits until the queue is empty and the thread has ended. Idempotent. One caller
  // at a time, never the thread itself.
  void Join();
  // Like Join(), but gives up after this time. Returns whether the thread has ended.
  bool JoinFor(std::chrono::milliseconds patience);

 private:
  void End();
  void Run();

  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool ending_ = false;                      // guarded by mutex_
  bool ended_ = false;                       // guarded by mutex_
  std::condition_variable end_;
  std::thread thread_;  // last, since it uses the other members
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_JOB_THREAD_H_
