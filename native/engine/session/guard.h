// Converts C++ exceptions to statuses at the boundary of a session.

#ifndef AUTOCOG_ENGINE_SESSION_GUARD_H_
#define AUTOCOG_ENGINE_SESSION_GUARD_H_

#include <exception>
#include <new>

#include "engine/common/status.h"

namespace autocog {

// The caller determines the size of results, so running out of memory is an error and must not end the
// process.
template <typename T, typename Work>
Result<T> Guard(const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory for the result");
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The engine failed", error.what());
  }
}

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SESSION_GUARD_H_
