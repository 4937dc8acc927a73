// Writes one text after a prompt, in the prompt's own slot, so that what is written is cached
// for a prompt that goes on from it.

#ifndef AUTOCOG_ENGINE_GENERATION_GENERATOR_H_
#define AUTOCOG_ENGINE_GENERATION_GENERATOR_H_

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/generation/generated_text.h"
#include "engine/model/vocabulary.h"

namespace autocog {

// Decodes a token at a time, by the kernels for one token. An abort by the caller gives what
// was written until then; the end of the session is kClosed.
// REQUIRES: a checked prompt that fits the context.
Result<Generation> Generate(Context* context, PrefixCache* cache, const Tokens& prompt, const WritingOptions& options,
                            Sink sink, const Cancellation& cancellation);

// Whether a failed decode is the end of what is being written, not of the job.
bool EndsWriting(const Status& status);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_GENERATOR_H_
