// See session.h.

#include "engine/session.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <new>
#include <numeric>
#include <utility>

#include "engine/log_softmax.h"

namespace autocog {

namespace {

// Memory for results is asked for in amounts that the caller chose, so running out is an
// answer and not the end of the process.
template <typename T, typename Work>
Result<T> Guard(const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory for the result");
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The engine failed", error.what());
  }
}

Status PickCandidates(const std::vector<float>& row, int count, Candidates* result) {
  Stopwatch watch(&result->usage.read_ms);
  const double normalizer = LogSumExp(row.data(), row.size());
  if (!std::isfinite(normalizer)) return Status(Code::kDecodeFailed, "The model gave logits that are not finite");
  std::vector<llama_token>& tokens = result->tokens;
  tokens.resize(row.size());
  std::iota(tokens.begin(), tokens.end(), 0);
  const auto better = [&](llama_token a, llama_token b) {
    const float left = row[static_cast<size_t>(a)];
    const float right = row[static_cast<size_t>(b)];
    return left > right || (left == right && a < b);
  };
  const size_t kept = std::min(row.size(), static_cast<size_t>(count));
  std::partial_sort(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(kept), tokens.end(), better);
  tokens.resize(kept);
  for (llama_token token : tokens) {
    result->logprobs.push_back(static_cast<double>(row[static_cast<size_t>(token)]) - normalizer);
  }
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<Session>> Session::Create(std::shared_ptr<Model> model, const ContextOptions& options,
                                                 int prompt_slots) {
  // Two sequences at least for branches, one for padding.
  if (prompt_slots < 1 || prompt_slots > options.max_sequences - 3) {
    return Status(Code::kOutOfRange, "Expected 1 to " + std::to_string(options.max_sequences - 3) +
                                         " for promptSlots, got " + std::to_string(prompt_slots));
  }
  auto context = Context::Create(std::move(model), options);
  if (!context.ok()) return context.status();
  return std::unique_ptr<Session>(new Session(std::move(context.value()), prompt_slots));
}

Session::Session(std::unique_ptr<Context> context, int prompt_slots)
    : context_(std::move(context)), cache_(context_.get(), prompt_slots) {}

Status Session::CheckPrompt(const Tokens& prompt, int more) const {
  if (prompt.empty()) return Status(Code::kOutOfRange, "Expected at least one token for prompt, got none");
  if (Status status = context_->vocabulary().Check(prompt); !status.ok()) return status;
  const size_t room = static_cast<size_t>(context_->context_size());
  if (prompt.size() + static_cast<size_t>(more) <= room) return Status::Ok();
  std::string message = "The prompt of " + std::to_string(prompt.size()) + " tokens";
  if (more > 0) message += " and a continuation of " + std::to_string(more);
  return Status(Code::kContextOverflow, message + " do not fit the context of " + std::to_string(room) + " tokens");
}

Status Session::EnsureTimed(const Tokens& prompt, const PromptRequest& request, const Cancellation& cancellation,
                            Usage* usage) {
  Stopwatch watch(&usage->prompt_ms);
  auto slot = cache_.Ensure(prompt, request, cancellation, usage);
  return slot.ok() ? Status::Ok() : slot.status();
}

Result<Rows> Session::Eval(const Tokens& prompt, std::vector<int> rows, const Cancellation& cancellation) {
  return Guard<Rows>([&]() -> Result<Rows> {
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    const int length = static_cast<int>(prompt.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] < 0 || rows[i] >= length || (i > 0 && rows[i] <= rows[i - 1])) {
        return Status(Code::kOutOfRange, "Expected ascending positions below " + std::to_string(length) +
                                             " for logits, got " + std::to_string(rows[i]));
      }
    }
    const size_t width = static_cast<size_t>(context_->vocabulary_size());
    Rows result;
    result.values.resize(rows.size() * width);
    PromptRequest request;
    request.rows = std::move(rows);
    request.on_row = [&](size_t row, const float* logits) {
      std::copy(logits, logits + width, result.values.begin() + static_cast<std::ptrdiff_t>(row * width));
    };
    Status status = EnsureTimed(prompt, request, cancellation, &result.usage);
    if (!status.ok()) return status;
    return result;
  });
}

Result<Rows> Session::LogProbs(const Tokens& prompt, const Cancellation& cancellation) {
  auto result = Eval(prompt, {static_cast<int>(prompt.size()) - 1}, cancellation);
  if (!result.ok()) return result;
  Rows& rows = result.value();
  {
    Stopwatch watch(&rows.usage.read_ms);
    LogSoftmax(rows.values.data(), rows.values.size(), rows.values.data());
  }
  if (!std::isfinite(*std::max_element(rows.values.begin(), rows.values.end()))) {
    return Status(Code::kDecodeFailed, "The model gave logits that are not finite");
  }
  return result;
}

Result<Candidates> Session::TopCandidates(const Tokens& prompt, int count, const Cancellation& cancellation) {
  return Guard<Candidates>([&]() -> Result<Candidates> {
    if (count < 1) {
      return Status(Code::kOutOfRange, "Expected a positive count of candidates, got " + std::to_string(count));
    }
    auto evaluated = Eval(prompt, {static_cast<int>(prompt.size()) - 1}, cancellation);
    if (!evaluated.ok()) return evaluated.status();
    const std::vector<float>& row = evaluated.value().values;
    Candidates result;
    result.usage = evaluated.value().usage;
    Status status = PickCandidates(row, count, &result);
    if (!status.ok()) return status;
    return result;
  });
}

Result<TreeScores> Session::ScoreTree(const Tokens& prompt, std::vector<int32_t> tokens, std::vector<int32_t> parents,
                                      std::vector<uint8_t> end_at, const Tokens& end_tokens, bool sequential,
                                      const Cancellation& cancellation) {
  return Guard<TreeScores>([&]() -> Result<TreeScores> {
    if (Status status = context_->vocabulary().Check(end_tokens); !status.ok()) return status;
    const bool wants_ends = std::find(end_at.begin(), end_at.end(), 1) != end_at.end();
    if (wants_ends && end_tokens.empty()) {
      return Status(Code::kNotSupported, "This model has no token that ends a generation");
    }
    auto tree = TokenTree::Make(std::move(tokens), std::move(parents), std::move(end_at), context_->vocabulary());
    if (!tree.ok()) return tree.status();
    if (Status status = CheckPrompt(prompt, tree.value().decoded_depth()); !status.ok()) return status;
    TreeScorer scorer(context_.get(), &cache_, tree.value(), end_tokens);
    return scorer.Run(prompt, sequential, cancellation);
  });
}

Result<Generation> Session::Generate(const Tokens& prompt, int max_tokens, const std::vector<std::string>& stops,
                                     const Cancellation& cancellation) {
  return Guard<Generation>([&]() -> Result<Generation> {
    if (max_tokens < 0) {
      return Status(Code::kOutOfRange, "Expected a count for maxTokens, got " + std::to_string(max_tokens));
    }
    for (const std::string& stop : stops) {
      if (stop.empty()) return Status(Code::kOutOfRange, "Expected stop strings that are not empty");
    }
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    return GenerateGreedy(context_.get(), &cache_, prompt, max_tokens, stops, cancellation);
  });
}

Result<Usage> Session::Ingest(const Tokens& prompt, const Cancellation& cancellation) {
  return Guard<Usage>([&]() -> Result<Usage> {
    if (Status status = CheckPrompt(prompt, 0); !status.ok()) return status;
    Usage usage;
    PromptRequest request;
    // The last row is kept with the slot, so that what follows costs nothing.
    request.rows = {static_cast<int>(prompt.size()) - 1};
    request.on_row = [](size_t, const float*) {};
    Status status = EnsureTimed(prompt, request, cancellation, &usage);
    if (!status.ok()) return status;
    return usage;
  });
}

}  // namespace autocog
