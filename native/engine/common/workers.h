// Threads of a session's own for work that llama.cpp does not do: reading rows of logits. They
// sleep between runs.

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
  // `threads` work together, the caller's included. They are started when first needed.
  explicit Workers(int threads) : threads_(threads) {}
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Calls work(i) for every i below `count`, each once, on any of the threads, and waits for
  // all. `work` must not throw.
  void Run(int count, const std::function<void(int)>& work);

 private:
  void Serve();
  // Takes items until there are none. REQUIRES: the lock is held.
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
