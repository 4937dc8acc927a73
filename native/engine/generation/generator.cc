// See generator.h.

#include "engine/generation/generator.h"

#include <algorithm>
#include <utility>

namespace autocog {

namespace {

// Makes room in a full context by forgetting the older half of what follows the first `keep` tokens.
Status MakeRoom(Context* context, PrefixCache* cache, int slot, int keep, int* position) {
  if (!context->CanShift()) {
    return Status(Code::kNotSupported, "This model cannot forget the beginning of a text (contextShift)");
  }
  const int kept = std::min(keep, *position - 1);
  const int forgotten = std::max(1, (*position - kept) / 2);
  cache->ShiftSlot(slot, kept, forgotten);
  *position -= forgotten;
  return Status::Ok();
}

// Writes after the slot's `position` tokens, whose row gave `token`.
Status Continue(Context* context, PrefixCache* cache, int slot, int position, llama_token token,
                const WritingOptions& options, const Cancellation& cancellation, Writer* writer) {
  while (!writer->ended()) {
    if (position == context->context_size()) {
      if (!options.context_shift) {
        writer->End(StopReason::kContext);
        break;
      }
      if (Status status = MakeRoom(context, cache, slot, options.keep, &position); !status.ok()) return status;
    }
    auto row = cache->Append(slot, token, cancellation, &writer->generation().usage);
    if (!row.ok()) return row.status();
    ++position;
    auto next = writer->Next(row.value());
    if (!next.ok()) return next.status();
    token = next.value();
  }
  return Status::Ok();
}

}  // namespace

bool EndsWriting(const Status& status) { return status.code() == Code::kAborted; }

Result<Generation> Generate(Context* context, PrefixCache* cache, const Tokens& prompt, const WritingOptions& options,
                            Sink sink, const Cancellation& cancellation) {
  auto made = Writer::Create(context->vocabulary(), options, prompt, std::move(sink));
  if (!made.ok()) return made.status();
  Writer* writer = made.value().get();
  Usage* usage = &writer->generation().usage;
  Result<llama_token> first = LLAMA_TOKEN_NULL;
  PromptRequest request;
  request.rows = {static_cast<int>(prompt.size()) - 1};
  request.on_row = [&](size_t, const float* row) {
    if (!writer->ended()) first = writer->Next(row);
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
    cache->TrimSlot(slot, length);
    status = Continue(context, cache, slot, length, first.value(), options, cancellation, writer);
  }
  if (status.ok()) return std::move(writer->generation());
  if (!EndsWriting(status)) return status;
  if (!writer->ended()) writer->End(StopReason::kAborted);
  return std::move(writer->generation());
}

}  // namespace autocog
