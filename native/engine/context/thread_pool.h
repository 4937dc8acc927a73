// ggml's compute threads, kept from one decode to the next. Without a pool ggml starts and
// ends its threads with every graph, which a small model feels in each token.

#ifndef AUTOCOG_ENGINE_CONTEXT_THREAD_POOL_H_
#define AUTOCOG_ENGINE_CONTEXT_THREAD_POOL_H_

#include "ggml.h"

namespace autocog {

class ThreadPool {
 public:
  // Threads that sleep between graphs. Holds none where the backend has no pools or one
  // thread is wanted.
  explicit ThreadPool(int threads);
  // Must outlive the contexts that it is attached to.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // May be null.
  ggml_threadpool_t raw() const { return pool_; }

 private:
  ggml_threadpool_t pool_ = nullptr;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_THREAD_POOL_H_
