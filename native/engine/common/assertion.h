// Turns llama.cpp's assertions into exceptions where that is safe: on the thread that loads a model,
// creates a context or tokenizes a text. Malicious or corrupt files trip these assertions, which abort
// the process by default. They still do inside a decode, where ggml's threads wait for each other.
// (Exception: Steering's probe decode, whose possible assertions fail before those threads start.)
// Requires ggml's C sources to be compiled with -fexceptions (cmake/llama.cmake).

#ifndef AUTOCOG_ENGINE_COMMON_ASSERTION_H_
#define AUTOCOG_ENGINE_COMMON_ASSERTION_H_

#include <stdexcept>

namespace autocog {

class AssertionFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Installs ggml's abort callback. Idempotent, thread-safe.
void InstallAssertions();

// How many RPC servers this process has lost in use, which is the one assertion that never ends it: see
// cmake/rpc-dispatcher.h. Thread-safe.
int RpcLosses();
// The socket that this thread connected last to an RPC server, or -1.
int LastRpcSocket();

// While a guard is alive, failing assertions on its thread throw AssertionFailure.
class AssertionGuard {
 public:
  AssertionGuard();
  ~AssertionGuard();
  AssertionGuard(const AssertionGuard&) = delete;
  AssertionGuard& operator=(const AssertionGuard&) = delete;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_ASSERTION_H_
