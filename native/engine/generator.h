// Writes one text after a prompt, in the prompt's own slot, so that what is written is cached
// for a prompt that goes on from it.

#ifndef AUTOCOG_ENGINE_GENERATOR_H_
#define AUTOCOG_ENGINE_GENERATOR_H_

#include "engine/cancellation.h"
#include "engine/context.h"
#include "engine/prefix_cache.h"
#include "engine/status.h"
#include "engine/vocabulary.h"
#include "engine/writer.h"

namespace autocog {

// Decodes a token at a time, by the kernels for one token. An abort by the caller gives what
// was written until then; the end of the session is kClosed.
// REQUIRES: a checked prompt that fits the context.
Result<Generation> Generate(Context* context, PrefixCache* cache, const Tokens& prompt, const WritingOptions& options,
                            Sink sink, const Cancellation& cancellation);

// Whether a failed decode is the end of what is being written, not of the job.
bool EndsWriting(const Status& status);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATOR_H_
