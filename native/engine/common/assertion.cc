// See assertion.h.

#include "engine/common/assertion.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "engine/common/rpc_loss.h"
#include "ggml.h"

namespace autocog {

namespace {

thread_local int guard_count = 0;
std::atomic<int> rpc_losses{0};

void OnAbort(const char* message) {
  if (std::strncmp(message, kRpcLossMarker, sizeof kRpcLossMarker - 1) == 0) {
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

AssertionGuard::AssertionGuard() { ++guard_count; }

AssertionGuard::~AssertionGuard() { --guard_count; }

}  // namespace autocog
