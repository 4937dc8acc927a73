// See prompt_encoder.h.

#include "engine/session/prompt_encoder.h"

#include <algorithm>
#include <string>

namespace autocog {

namespace {

Status Overflow(const std::string& what, int continuation, size_t room) {
  std::string message = what;
  message += continuation > 0 ? " and a continuation of " + std::to_string(continuation) + " do" : " does";
  return Status(Code::kContextOverflow, message + " not fit in the context of " + std::to_string(room) + " tokens");
}

}  // namespace

PromptEncoder::PromptEncoder(Context* context, PrefixCache* cache)
    : context_(context), cache_(cache), start_{context->decoder_start()} {}

Status PromptEncoder::Check(const Tokens& prompt, int continuation, size_t min_length) const {
  if (prompt.size() < min_length || (context_->has_encoder() && prompt.empty())) {
    return Status(Code::kOutOfRange, "Expected at least one token for prompt, got none");
  }
  if (Status status = context_->vocabulary().Check(prompt); !status.ok()) return status;
  const auto room = static_cast<size_t>(context_->context_size());
  const auto more = static_cast<size_t>(continuation);
  const std::string text = "The prompt of " + std::to_string(prompt.size()) + " tokens";
  if (!context_->has_encoder()) {
    return prompt.size() + more <= room ? Status::Ok() : Overflow(text, continuation, room);
  }
  if (prompt.size() > room) return Overflow(text, 0, room);
  return start_.size() + more <= room ? Status::Ok() : Overflow("The decoder's start token", continuation, room);
}

Result<Usage> PromptEncoder::Encode(const Tokens& prompt, const Cancellation& cancellation) {
  Usage usage;
  if (!context_->has_encoder()) return usage;
  usage.prompt_tokens = static_cast<int>(prompt.size());
  if (prompt == encoded_) {
    usage.cached_tokens = usage.prompt_tokens;
    return usage;
  }
  if (cancellation.requested()) return cancellation.status();
  Stopwatch watch(&usage.prompt_ms);
  Clear();
  if (Status status = context_->Encode(prompt, cancellation, &usage); !status.ok()) return status;
  encoded_ = prompt;
  return usage;
}

void PromptEncoder::AddCost(const Usage& encoding, Usage* usage) const {
  if (!context_->has_encoder()) return;
  const int start = std::min(usage->prompt_tokens, 1);
  const int start_cached = std::min(usage->cached_tokens, start);
  // If an abort prevented it, the start token was not decoded.
  const int start_decoded = std::min(usage->decoded_tokens, start - start_cached);
  usage->prompt_tokens += encoding.prompt_tokens - start;
  usage->cached_tokens += encoding.cached_tokens - start_cached;
  usage->decoded_tokens += encoding.decoded_tokens - start_decoded;
  usage->decode_calls += encoding.decode_calls;
  usage->prompt_ms += encoding.prompt_ms;
}

void PromptEncoder::Clear() {
  cache_->Clear();
  encoded_.clear();
}

}  // namespace autocog
