// See generator.h.

#include "engine/generation/generator.h"

#include <algorithm>
#include <utility>

namespace autocog {

namespace {

// Makes room in a full context by discarding the older half of the tokens that follow the first `keep`.
Status ShiftContext(Context* context, PrefixCache* cache, int slot, int keep, int* position) {
  if (!context->CanShift()) {
    return Status(Code::kNotSupported, "This model does not support contextShift, or not with this kvCacheTypeK");
  }
  const int kept = std::min(keep, *position - 1);
  const int discarded = std::max(1, (*position - kept) / 2);
  cache->ShiftSlot(slot, kept, discarded);
  *position -= discarded;
  return Status::Ok();
}

// The decode loop. `token` was sampled after the slot's first `position` tokens and is not decoded yet.
Status Continue(Context* context, PrefixCache* cache, int slot, int position, llama_token token,
                const GenerationOptions& options, const Cancellation& cancellation, GenerationState* state) {
  while (!state->ended()) {
    if (position == context->context_size()) {
      if (!options.context_shift) {
        state->End(StopReason::kContext);
        break;
      }
      if (Status status = ShiftContext(context, cache, slot, options.keep, &position); !status.ok()) return status;
    }
    auto row = cache->Append(slot, token, cancellation, &state->generation().usage);
    if (!row.ok()) return row.status();
    ++position;
    auto next = state->Next(row.value());
    if (!next.ok()) return next.status();
    token = next.value();
  }
  return Status::Ok();
}

}  // namespace

bool EndsGeneration(const Status& status) { return status.code() == Code::kAborted; }

Result<Generation> Generate(Context* context, PrefixCache* cache, const Tokens& prompt,
                            const GenerationOptions& options, Sink sink, const Cancellation& cancellation) {
  auto created = GenerationState::Create(context->vocabulary(), options, prompt, std::move(sink));
  if (!created.ok()) return created.status();
  GenerationState* state = created.value().get();
  Usage* usage = &state->generation().usage;
  Result<llama_token> first = LLAMA_TOKEN_NULL;
  PromptRequest request;
  request.rows = {static_cast<int>(prompt.size()) - 1};
  request.on_row = [&](size_t, const float* row) {
    if (!state->ended()) first = state->Next(row);
  };
  request.reuse_appended = true;
  Status status;
  int slot = PrefixCache::kNoSlot;
  {
    Stopwatch watch(&usage->prompt_ms);
    auto ensured = cache->Ensure(prompt, request, cancellation, usage);
    if (ensured.ok()) {
      slot = ensured.value();
    } else {
      status = ensured.status();
    }
  }
  if (status.ok() && !first.ok()) status = first.status();
  if (status.ok()) {
    Stopwatch watch(&usage->decode_ms);
    const int length = static_cast<int>(prompt.size());
    slot = cache->PrepareAppend(slot, length);
    status = Continue(context, cache, slot, length, first.value(), options, cancellation, state);
  }
  if (status.ok()) return std::move(state->generation());
  if (!EndsGeneration(status)) return status;
  if (!state->ended()) state->End(StopReason::kAborted);
  return std::move(state->generation());
}

}  // namespace autocog
