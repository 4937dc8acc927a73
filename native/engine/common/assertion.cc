// See assertion.h.

#include "engine/common/assertion.h"

#include <cstdio>
#include <mutex>

#include "ggml.h"

namespace autocog {

namespace {

thread_local int guards = 0;

void OnAbort(const char* message) {
  if (guards > 0) throw AssertionFailure(message);
  // The process ends when this returns; these are its last words.
  std::fprintf(stderr, "autocog-lm: assertion of llama.cpp: %s\n", message);
}

}  // namespace

void InstallAssertions() {
  static std::once_flag once;
  std::call_once(once, [] { ggml_set_abort_callback(OnAbort); });
}

AssertionGuard::AssertionGuard() { ++guards; }

AssertionGuard::~AssertionGuard() { --guards; }

}  // namespace autocog
