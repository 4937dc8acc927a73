// Runs work that recurses deeply on a thread with a stack of its own size, and measures how deep work goes.

#ifndef AUTOCOG_ENGINE_COMMON_DEEP_STACK_H_
#define AUTOCOG_ENGINE_COMMON_DEEP_STACK_H_

#include <cstddef>
#include <functional>

namespace autocog {

// Runs the work on a new thread with a stack of at least so many bytes, and waits for it. Memory is only
// used as far as the work goes. Rethrows what the work throws; std::bad_alloc if there is no such stack.
void RunWithStack(size_t bytes, const std::function<void()>& work);

// How many bytes of stack the work uses, at most `bytes`. Returns `bytes` where that cannot be measured.
size_t MeasureStack(size_t bytes, const std::function<void()>& work);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_DEEP_STACK_H_
