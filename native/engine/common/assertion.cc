// See assertion.h.

#include "engine/common/assertion.h"

#include <cstdio>
#include <mutex>

#include "ggml.h"

namespace autocog {

namespace {

thread_local int guard_count = 0;

void OnAbort(const char* message) {
  if (guard_count > 0) throw AssertionFailure(message);
  // ggml aborts the process when this returns.
  std::fprintf(stderr, "autocog-lm: llama.cpp assertion failed: %s\n", message);
}

}  // namespace

void InstallAssertions() {
  static std::once_flag once;
  std::call_once(once, [] { ggml_set_abort_callback(OnAbort); });
}

AssertionGuard::AssertionGuard() { ++guard_count; }

AssertionGuard::~AssertionGuard() { --guard_count; }

}  // namespace autocog
