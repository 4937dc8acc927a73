// See assertion.h.

#include "engine/common/assertion.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "engine/common/rpc_loss.h"
#include "ggml.h"

namespace autocog {

namespace {

thread_local int guard_count = 0;
std::atomic<int> rpc_losses{0};
thread_local int rpc_socket = -1;

template <size_t size>
bool StartsWith(const char* message, const char (&marker)[size]) {
  return std::strncmp(message, marker, size - 1) == 0;
}

void OnAbort(const char* message) {
  if (StartsWith(message, kRpcSocketMarker)) {
    rpc_socket = std::atoi(message + sizeof kRpcSocketMarker);  // after a colon
    throw AssertionFailure(message);
  }
  if (StartsWith(message, kRpcLossMarker)) {
    ++rpc_losses;
    throw AssertionFailure(message);
  }
  if (guard_count > 0) throw AssertionFailure(message);
  // ggml aborts the process when this returns.
  std::fprintf(stderr, "autocog-lm: llama.cpp assertion failed: %s\n", message);
}

}  // namespace

void InstallAssertions() {
  static std::once_flag once;
  std::call_once(once, [] { ggml_set_abort_callback(OnAbort); });
}

int RpcLosses() { return rpc_losses.load(); }

int LastRpcSocket() { return rpc_socket; }

AssertionGuard::AssertionGuard() { ++guard_count; }

AssertionGuard::~AssertionGuard() { --guard_count; }

}  // namespace autocog
