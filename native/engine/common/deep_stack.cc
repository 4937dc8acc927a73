// See deep_stack.h.

#include "engine/common/deep_stack.h"

#include <exception>
#include <new>

#ifdef _WIN32
#include <process.h>
#include <windows.h>
#else
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace autocog {

namespace {

struct Job {
  const std::function<void()>* work;
  std::exception_ptr failure;
};

void RunJob(Job* job) {
  try {
    (*job->work)();
  } catch (...) {
    job->failure = std::current_exception();
  }
}

#ifdef _WIN32

unsigned __stdcall Start(void* job) {
  RunJob(static_cast<Job*>(job));
  return 0;
}

#else

void* Start(void* job) {
  RunJob(static_cast<Job*>(job));
  return nullptr;
}

// A stack of whole pages, with one below it that ends the process rather than let it overflow unseen.
class Stack {
 public:
  explicit Stack(size_t bytes) : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    size_ = (bytes / page_ + 2) * page_;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
    flags |= MAP_NORESERVE;
#endif
    void* memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    memory_ = static_cast<unsigned char*>(memory);
    mprotect(memory_, page_, PROT_NONE);
  }
  ~Stack() { munmap(memory_, size_); }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  unsigned char* begin() const { return memory_ + page_; }
  size_t size() const { return size_ - page_; }

  void Run(Job* job) const {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_t thread;
    const int failed =
        pthread_attr_setstack(&attributes, begin(), size()) || pthread_create(&thread, &attributes, Start, job);
    pthread_attr_destroy(&attributes);
    if (failed) throw std::bad_alloc();
    pthread_join(thread, nullptr);
  }

 private:
  size_t page_;
  size_t size_;
  unsigned char* memory_;
};

#endif

}  // namespace

void RunWithStack(size_t bytes, const std::function<void()>& work) {
  Job job{&work, nullptr};
#ifdef _WIN32
  const uintptr_t thread =
      _beginthreadex(nullptr, static_cast<unsigned>(bytes), Start, &job, STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr);
  if (thread == 0) throw std::bad_alloc();
  WaitForSingleObject(reinterpret_cast<HANDLE>(thread), INFINITE);
  CloseHandle(reinterpret_cast<HANDLE>(thread));
#else
  Stack(bytes).Run(&job);
#endif
  if (job.failure) std::rethrow_exception(job.failure);
}

size_t MeasureStack(size_t bytes, const std::function<void()>& work) {
#ifdef _WIN32
  RunWithStack(bytes, work);
  return bytes;
#else
  Job job{&work, nullptr};
  const Stack stack(bytes);
  stack.Run(&job);
  if (job.failure) std::rethrow_exception(job.failure);
  // Fresh pages are zero; the stack grows down.
  size_t untouched = 0;
  while (untouched < stack.size() && stack.begin()[untouched] == 0) ++untouched;
  return stack.size() - untouched;
#endif
}

}  // namespace autocog
