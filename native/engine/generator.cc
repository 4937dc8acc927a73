// See generator.h.

#include "engine/generator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/log_softmax.h"

namespace autocog {

namespace {

// Where the earliest stop begins in `text`, looking only at matches that end behind
// `seen` bytes; npos without one.
size_t FindStop(const std::string& text, size_t seen, const std::vector<std::string>& stops) {
  size_t earliest = std::string::npos;
  for (const std::string& stop : stops) {
    const size_t from = seen >= stop.size() ? seen - stop.size() + 1 : 0;
    earliest = std::min(earliest, text.find(stop, from));
  }
  return earliest;
}

struct Best {
  llama_token token;
  double logprob;
};

// kDecodeFailed where the row is no distribution.
Result<Best> PickBest(const float* row, int size) {
  const double normalizer = LogSumExp(row, static_cast<size_t>(size));
  if (!std::isfinite(normalizer)) return Status(Code::kDecodeFailed, "The model gave logits that are not finite");
  const float* best = std::max_element(row, row + size);
  return Best{static_cast<llama_token>(best - row), static_cast<double>(*best) - normalizer};
}

// Generates after the slot's `position` tokens, whose row gave `best`.
Status Continue(Context* context, PrefixCache* cache, int slot, int position, Result<Best> best, int max_tokens,
                const std::vector<std::string>& stops, const Cancellation& cancellation, Generation* generation) {
  Stopwatch watch(&generation->usage.decode_ms);
  cache->TrimSlot(slot, position);
  while (static_cast<int>(generation->tokens.size()) < max_tokens) {
    if (!best.ok()) return best.status();
    const llama_token token = best.value().token;
    if (context->vocabulary().IsEndOfGeneration(token)) {
      generation->reason = StopReason::kEndOfGeneration;
      return Status::Ok();
    }
    generation->tokens.push_back(token);
    generation->logprobs.push_back(best.value().logprob);
    const size_t seen = generation->text.size();
    // A vocabulary without text gives tokens only.
    if (auto bytes = context->vocabulary().TokenBytes(token); bytes.ok()) generation->text += bytes.value();
    const size_t stop = FindStop(generation->text, seen, stops);
    if (stop != std::string::npos) {
      generation->text.resize(stop);
      generation->reason = StopReason::kStopString;
      return Status::Ok();
    }
    // The last token that is wanted need not be decoded.
    if (static_cast<int>(generation->tokens.size()) == max_tokens || position == context->context_size()) break;
    auto row = cache->Append(slot, token, cancellation, &generation->usage);
    if (!row.ok()) return row.status();
    ++position;
    best = PickBest(row.value(), context->vocabulary_size());
  }
  generation->reason = StopReason::kLength;
  return Status::Ok();
}

}  // namespace

Result<Generation> GenerateGreedy(Context* context, PrefixCache* cache, const Tokens& prompt, int max_tokens,
                                  const std::vector<std::string>& stops, const Cancellation& cancellation) {
  Generation generation;
  const int size = context->vocabulary_size();
  Result<Best> best = Best{0, 0};
  PromptRequest request;
  request.rows = {static_cast<int>(prompt.size()) - 1};
  request.on_row = [&](size_t, const float* row) { best = PickBest(row, size); };
  request.reuse_appended = true;
  int slot = 0;
  {
    Stopwatch watch(&generation.usage.prompt_ms);
    auto ensured = cache->Ensure(prompt, request, cancellation, &generation.usage);
    if (!ensured.ok()) return ensured.status();
    slot = ensured.value();
  }
  Status status = Continue(context, cache, slot, static_cast<int>(prompt.size()), std::move(best), max_tokens, stops,
                           cancellation, &generation);
  if (!status.ok()) return status;
  return generation;
}

}  // namespace autocog
