// What the decoder continues: the prompt itself or, in an encoder-decoder, the start token after an encoder has
// read the prompt. Remembers the encoded prompt, because llama.cpp holds one encoding per context, and the
// cached sequences of the decoder are valid for that one only. Used on the session's thread.

#ifndef AUTOCOG_ENGINE_SESSION_PROMPT_ENCODER_H_
#define AUTOCOG_ENGINE_SESSION_PROMPT_ENCODER_H_

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/common/usage.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"

namespace autocog {

class PromptEncoder {
 public:
  // Both must outlive this.
  PromptEncoder(Context* context, PrefixCache* cache);

  // Whether the prompt and `continuation` more positions fit the context, and the prompt has at least
  // `min_length` tokens, all in the vocabulary. An encoder needs at least one.
  Status Check(const Tokens& prompt, int continuation, size_t min_length) const;

  // Encodes the prompt, unless it is encoded already, and returns the cost. Without an encoder, does nothing.
  // After a failure no prompt is encoded. REQUIRES: Check() is ok.
  Result<Usage> Encode(const Tokens& prompt, const Cancellation& cancellation);
  // The tokens that the decoder has of this prompt. REQUIRES: Encode() was called for it.
  const Tokens& Decoded(const Tokens& prompt) const { return context_->has_encoder() ? start_ : prompt; }
  // Adds the cost of Encode() to that of what was decoded after it, without the start token: the counts are of
  // the caller's tokens, so that they add up alike whether the prompt was cached or not.
  void AddCost(const Usage& encoding, Usage* usage) const;

  // Forgets the prompt, because the weights have changed or the caller wants it encoded again.
  void Clear();

 private:
  Context* context_;
  PrefixCache* cache_;
  Tokens start_;
  Tokens encoded_;  // empty: none
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SESSION_PROMPT_ENCODER_H_
