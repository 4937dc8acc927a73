// Writes several texts after their prompts at the same time: each decode takes one token of
// every text that is not at its end, and where one ends the next prompt takes its place.

#ifndef AUTOCOG_ENGINE_GENERATION_GENERATE_MANY_H_
#define AUTOCOG_ENGINE_GENERATION_GENERATE_MANY_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/generation/generated_text.h"

namespace autocog {

struct WritingTask {
  Tokens prompt;
  uint32_t seed = 0;
  CancelFlag stop;  // of this text alone; may be null
};

// Gets the pieces of all texts, in each text's order, with its index.
using ManySink = std::function<void(int, Piece)>;

// A generation per task. An abort of the whole gives what was written of each until then.
// As many texts run together as the KV buffer has room for, prompt and maxTokens together.
// REQUIRES: checked prompts that fit the context, no context_shift.
Result<std::vector<Generation>> GenerateMany(Context* context, PrefixCache* cache,
                                             const std::vector<WritingTask>& tasks, const WritingOptions& options,
                                             const ManySink& sink, const Cancellation& cancellation);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_GENERATE_MANY_H_
