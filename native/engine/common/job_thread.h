// A thread with a first-in first-out queue: the only thread that touches what its jobs
// touch. Sessions and models own one each; see docs/architecture.md for the whole picture.

#ifndef AUTOCOG_ENGINE_COMMON_JOB_THREAD_H_
#define AUTOCOG_ENGINE_COMMON_JOB_THREAD_H_

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace autocog {

class JobThread {
 public:
  JobThread();
  // Stops and joins. Must not run on the thread itself.
  ~JobThread();
  JobThread(const JobThread&) = delete;
  JobThread& operator=(const JobThread&) = delete;

  // Queues a job. Returns false, dropping it, once Join() was called. Any thread.
  bool Post(std::function<void()> job);

  // Asks running and waiting jobs to end soon: they see stopping(). They still run, so that
  // each can report its end. Any thread; idempotent.
  void Stop() { stopping_.store(true, std::memory_order_relaxed); }
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

  // Stop(), then waits until the queue is empty and the thread has ended. Idempotent; one
  // caller at a time, never the thread itself.
  void Join();

 private:
  void Run();

  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool ending_ = false;                      // guarded by mutex_
  std::thread thread_;                       // last: it starts when the rest stands
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_JOB_THREAD_H_
