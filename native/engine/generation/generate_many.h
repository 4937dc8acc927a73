// Continuous batching: generates completions of several prompts at the same time. Each decode has one
// token of every running generation; when one ends, the next prompt takes its place.

#ifndef AUTOCOG_ENGINE_GENERATION_GENERATE_MANY_H_
#define AUTOCOG_ENGINE_GENERATION_GENERATE_MANY_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/generation/generation_state.h"

namespace autocog {

struct GenerationTask {
  Tokens prompt;
  uint32_t seed = 0;
  CancelFlag stop;  // cancels only this task; may be null
};

// Called with the task index and each piece of its generation. The pieces of a task arrive in order.
using TaskSink = std::function<void(int, Piece)>;

// Returns one generation per task. If the whole call is aborted, these have what was generated so far.
// Runs as many tasks at a time as the KV cache has room for, counting each prompt plus maxTokens.
// REQUIRES: validated prompts that fit the context, no context_shift.
Result<std::vector<Generation>> GenerateMany(Context* context, PrefixCache* cache,
                                             const std::vector<GenerationTask>& tasks, const GenerationOptions& options,
                                             const TaskSink& sink, const Cancellation& cancellation);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_GENERATE_MANY_H_
