// A session's worker threads for work outside of llama.cpp: reading rows of logits. They sleep between
// runs.

#ifndef AUTOCOG_ENGINE_COMMON_WORKERS_H_
#define AUTOCOG_ENGINE_COMMON_WORKERS_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace autocog {

class Workers {
 public:
  // `threads` includes the calling thread. The others are started on first use.
  explicit Workers(int threads) : threads_(threads) {}
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Calls work(i) once for every 0 <= i < count, on any of the threads, and waits for all calls.
  // `work` must not throw.
  void Run(int count, const std::function<void(int)>& work);

 private:
  void Serve();
  // Processes items until none are left. REQUIRES: the lock is held.
  void Work(std::unique_lock<std::mutex>* lock);

  const int threads_;
  std::vector<std::thread> others_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  const std::function<void(int)>* work_ = nullptr;
  int count_ = 0;
  int next_ = 0;
  int busy_ = 0;
  bool stopping_ = false;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_WORKERS_H_
