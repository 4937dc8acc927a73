// llama.cpp's assertions as exceptions, where that is safe: while a model is loaded, a context
// made or a text tokenised, on the thread that does it. Hostile or broken files trip them, and
// the default is to end the process. Inside a decode they still do: ggml's threads wait for
// each other there. (Steering's probe is the exception: what may fail of it fails before they
// start.) Needs ggml's C sources compiled with -fexceptions (cmake/llama.cmake).

#ifndef AUTOCOG_ENGINE_COMMON_ASSERTION_H_
#define AUTOCOG_ENGINE_COMMON_ASSERTION_H_

#include <stdexcept>

namespace autocog {

class AssertionFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Takes over ggml's abort. Idempotent, thread-safe.
void InstallAssertions();

// While one stands, a failing assertion of this thread throws AssertionFailure.
class AssertionGuard {
 public:
  AssertionGuard();
  ~AssertionGuard();
  AssertionGuard(const AssertionGuard&) = delete;
  AssertionGuard& operator=(const AssertionGuard&) = delete;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_ASSERTION_H_
