// A persistent pool of ggml compute threads. Without one, ggml starts and joins threads for every graph,
// which is a noticeable cost per token with small models.

#ifndef AUTOCOG_ENGINE_CONTEXT_THREAD_POOL_H_
#define AUTOCOG_ENGINE_CONTEXT_THREAD_POOL_H_

#include "ggml.h"

namespace autocog {

class ThreadPool {
 public:
  // The threads sleep between graphs. Creates no pool if one thread is requested or the backend does
  // not support pools.
  explicit ThreadPool(int threads);
  // REQUIRES: the contexts that it is attached to have been freed.
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
