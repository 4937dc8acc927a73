// Looks at the values in the memory of a llama_context: keys, values and states. Attention multiplies those of
// other prompts by zero, which hides finite values only. Used on the session's thread.

#ifndef AUTOCOG_ENGINE_CONTEXT_CELL_VALUES_H_
#define AUTOCOG_ENGINE_CONTEXT_CELL_VALUES_H_

#include "llama.h"

namespace autocog {

// Whether any cell, used or not, has a value that is infinite or NaN. Reads the whole memory, some gigabytes per
// second. REQUIRES: no decode is running.
bool HasNonFiniteCells(llama_context* context);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_CELL_VALUES_H_
