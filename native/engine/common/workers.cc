// See workers.h. Each item processes a row of logits over the whole vocabulary, which takes some
// hundred microseconds, so a single lock is cheap enough.

#include "engine/common/workers.h"

namespace autocog {

Workers::~Workers() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& other : others_) other.join();
}

void Workers::Run(int count, const std::function<void(int)>& work) {
  if (count < 2 || threads_ < 2) {
    for (int i = 0; i < count; ++i) work(i);
    return;
  }
  while (static_cast<int>(others_.size()) + 1 < threads_) others_.emplace_back([this] { Serve(); });
  std::unique_lock<std::mutex> lock(mutex_);
  work_ = &work;
  next_ = 0;
  count_ = count;
  wake_.notify_all();
  Work(&lock);
  done_.wait(lock, [this] { return busy_ == 0; });
  work_ = nullptr;
}

void Workers::Serve() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || next_ < count_; });
    if (stopping_) return;
    Work(&lock);
    done_.notify_one();
  }
}

void Workers::Work(std::unique_lock<std::mutex>* lock) {
  ++busy_;
  while (next_ < count_) {
    const int item = next_++;
    lock->unlock();
    (*work_)(item);
    lock->lock();
  }
  --busy_;
}

}  // namespace autocog
