// See session.h.

#include "engine/session/session.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/scoring/best_tokens.h"
#include "engine/scoring/log_softmax.h"
#include "engine/scoring/tree_scorer.h"
#include "engine/scoring/tree_search.h"
#include "engine/session/guard.h"

namespace autocog {

namespace {

Status PickCandidates(const std::vector<float>& row, int count, Candidates* result) {
  Stopwatch watch(&result->usage.read_ms);
  const double normalizer = LogSumExp(row.data(), row.size());
  if (!std::isfinite(normalizer)) return Status(Code::kDecodeFailed, "The model returned non-finite logits");
  FindBestTokens(row.data(), row.size(), static_cast<size_t>(count), &result->tokens);
  for (llama_token token : result->tokens) {
    result->logprobs.push_back(static_cast<double>(row[static_cast<size_t>(token)]) - normalizer);
  }
  return Status::Ok();
}

// At least two sequences are needed for branches, and one for padding or as a spare.
constexpr int kScratchSequences = 3;

// Of few sequences, because the states of append-only ones are large, most serve as branches.
int DefaultSlots(const Context& context) {
  constexpr int kMaxSlots = 8;
  const int sequences = context.max_sequences();
  return std::clamp(context.append_only() ? sequences / 4 : sequences - kScratchSequences, 1, kMaxSlots);
}

}  // namespace

Result<std::unique_ptr<Session>> Session::Create(std::shared_ptr<Model> model, const ContextOptions& options,
                                                 int prompt_slots) {
  if (prompt_slots < 0 || prompt_slots > options.max_sequences - kScratchSequences) {
    return Status(Code::kOutOfRange, "Expected 1 to " + std::to_string(options.max_sequences - kScratchSequences) +
                                         " for promptSlots, got " + std::to_string(prompt_slots));
  }
  ContextOptions checked = options;
  checked.min_sequences = std::max(prompt_slots, 1) + kScratchSequences;
  if (Status status = model->CheckServers(); !status.ok()) return status;
  auto context = Context::Create(model, checked);
  if (Status status = model->CheckServers(); !status.ok()) return status;
  if (!context.ok()) return context.status();
  if (prompt_slots == 0) prompt_slots = DefaultSlots(*context.value());
  return std::unique_ptr<Session>(new Session(std::move(context.value()), prompt_slots));
}

Session::Session(std::unique_ptr<Context> context, int prompt_slots)
    : steering_(context.get()),
      context_(std::move(context)),
      cache_(context_.get(), prompt_slots),
      encoder_(context_.get(), &cache_) {}

Status Session::EnsureTimed(const Tokens& prompt, const PromptRequest& request, const Cancellation& cancellation,
                            Usage* usage) {
  Stopwatch watch(&usage->prompt_ms);
  auto slot = cache_.Ensure(prompt, request, cancellation, usage);
  return slot.ok() ? Status::Ok() : slot.status();
}

Result<Rows> Session::Eval(const Tokens& prompt, const Tokens& continuation, std::vector<int> rows,
                           const Cancellation& cancellation) {
  return Guard<Rows>([&]() -> Result<Rows> {
    if (Status status = CheckPrompt(prompt, static_cast<int>(continuation.size())); !status.ok()) return status;
    if (Status status = context_->vocabulary().Check(continuation); !status.ok()) return status;
    Tokens decoded = encoder_.Decoded(prompt);
    decoded.insert(decoded.end(), continuation.begin(), continuation.end());
    const int length = static_cast<int>(decoded.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] < 0 || rows[i] >= length || (i > 0 && rows[i] <= rows[i - 1])) {
        return Status(Code::kOutOfRange, "Expected ascending positions below " + std::to_string(length) +
                                             " for logits, got " + std::to_string(rows[i]));
      }
    }
    auto encoding = encoder_.Encode(prompt, cancellation);
    if (!encoding.ok()) return encoding.status();
    const size_t width = static_cast<size_t>(context_->vocabulary_size());
    Rows result;
    result.values.resize(rows.size() * width);
    PromptRequest request;
    request.rows = std::move(rows);
    request.on_row = [&](size_t row, const float* logits) {
      std::copy(logits, logits + width, result.values.begin() + static_cast<std::ptrdiff_t>(row * width));
    };
    Status status = EnsureTimed(decoded, request, cancellation, &result.usage);
    if (!status.ok()) return status;
    encoder_.AddCost(encoding.value(), &result.usage);
    return result;
  });
}

Result<Rows> Session::LogProbs(const Tokens& prompt, const Cancellation& cancellation) {
  return Guard<Rows>([&]() -> Result<Rows> {
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    auto encoding = encoder_.Encode(prompt, cancellation);
    if (!encoding.ok()) return encoding.status();
    const Tokens& decoded = encoder_.Decoded(prompt);
    Rows result;
    double normalizer = 0;
    PromptRequest request;
    request.rows = {static_cast<int>(decoded.size()) - 1};
    request.on_row = [&](size_t, const float* logits) {
      Stopwatch watch(&result.usage.read_ms);
      result.values.resize(static_cast<size_t>(context_->vocabulary_size()));
      normalizer = LogSoftmax(logits, result.values.size(), result.values.data());
    };
    Status status = EnsureTimed(decoded, request, cancellation, &result.usage);
    if (!status.ok()) return status;
    result.usage.prompt_ms -= result.usage.read_ms;
    encoder_.AddCost(encoding.value(), &result.usage);
    if (std::isfinite(normalizer)) return result;
    return Status(Code::kDecodeFailed, "The model returned non-finite logits");
  });
}

Result<Candidates> Session::TopCandidates(const Tokens& prompt, int count, const Cancellation& cancellation) {
  return Guard<Candidates>([&]() -> Result<Candidates> {
    if (count < 1) {
      return Status(Code::kOutOfRange, "Expected a positive count of candidates, got " + std::to_string(count));
    }
    const int last = static_cast<int>(encoder_.Decoded(prompt).size()) - 1;
    auto evaluated = Eval(prompt, {}, {last}, cancellation);
    if (!evaluated.ok()) return evaluated.status();
    const std::vector<float>& row = evaluated.value().values;
    Candidates result;
    result.usage = evaluated.value().usage;
    Status status = PickCandidates(row, count, &result);
    if (!status.ok()) return status;
    return result;
  });
}

Result<TreeScores> Session::ScoreTree(const Tokens& prompt, TreeRequest request,
                                      const std::optional<SearchRequest>& search, const Cancellation& cancellation) {
  return Guard<TreeScores>([&]() -> Result<TreeScores> {
    if (Status status = context_->vocabulary().Check(request.end_tokens); !status.ok()) return status;
    const auto needs_end = [](uint8_t flags) { return (flags & kScoreEnd) != 0; };
    if (request.end_tokens.empty() && std::any_of(request.flags.begin(), request.flags.end(), needs_end)) {
      return Status(Code::kNotSupported, "This model has no end-of-generation token");
    }
    auto created = TokenTree::Make(std::move(request.tokens), std::move(request.parents), std::move(request.flags),
                                   context_->vocabulary());
    if (!created.ok()) return created.status();
    const TokenTree& tree = created.value();
    const size_t min_length = tree.needs_row(0) ? 1 : 0;
    if (Status status = CheckPrompt(prompt, tree.decoded_depth(), min_length); !status.ok()) return status;
    if (search) {
      if (Status status = CheckSearch(*search, tree); !status.ok()) return status;
    }
    auto encoding = encoder_.Encode(prompt, cancellation);
    if (!encoding.ok()) return encoding.status();
    const Tokens& decoded = encoder_.Decoded(prompt);
    auto scores = WithoutBadCells([&]() -> Result<TreeScores> {
      if (search) {
        return SearchTree(context_.get(), &cache_, decoded, tree, request.end_tokens, *search, request.details,
                          cancellation);
      }
      TreeScorer scorer(context_.get(), &cache_, tree, request.end_tokens, request.details);
      return scorer.Run(decoded, request.sequential, cancellation);
    });
    if (scores.ok()) encoder_.AddCost(encoding.value(), &scores.value().usage);
    return scores;
  });
}

Result<Usage> Session::Ingest(const Tokens& prompt, const Cancellation& cancellation) {
  return Guard<Usage>([&]() -> Result<Usage> {
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    auto encoding = encoder_.Encode(prompt, cancellation);
    if (!encoding.ok()) return encoding.status();
    const Tokens& decoded = encoder_.Decoded(prompt);
    Usage usage;
    PromptRequest request;
    // Requesting the last row makes the slot cache it for the next call.
    request.rows = {static_cast<int>(decoded.size()) - 1};
    request.on_row = [](size_t, const float*) {};
    Status status = EnsureTimed(decoded, request, cancellation, &usage);
    if (!status.ok()) return status;
    encoder_.AddCost(encoding.value(), &usage);
    return usage;
  });
}

}  // namespace autocog
