// Generates one completion of a prompt, in the prompt's own slot, so that the completion is cached for
// a later prompt that extends it.

#ifndef AUTOCOG_ENGINE_GENERATION_GENERATOR_H_
#define AUTOCOG_ENGINE_GENERATION_GENERATOR_H_

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/generation/generation_state.h"
#include "engine/model/vocabulary.h"

namespace autocog {

// Decodes one token at a time, with the single-token kernels. If the caller aborts, returns what was
// generated so far; if the session closes, kClosed. REQUIRES: a validated prompt that fits the context.
Result<Generation> Generate(Context* context, PrefixCache* cache, const Tokens& prompt,
                            const GenerationOptions& options, Sink sink, const Cancellation& cancellation);

// Whether an error status ends the generation with a result, instead of failing the job: an abort.
bool EndsGeneration(const Status& status);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_GENERATOR_H_
