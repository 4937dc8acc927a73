// See generation_state.h.

#include "engine/generation/generation_state.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/generation/utf8.h"
#include "engine/scoring/best_tokens.h"
#include "engine/scoring/log_softmax.h"

namespace autocog {

namespace {

Status CheckOptions(const Vocabulary& vocabulary, const GenerationOptions& options) {
  if (options.max_tokens < 0) {
    return Status(Code::kOutOfRange, "Expected a count for maxTokens, got " + std::to_string(options.max_tokens));
  }
  for (const std::string& stop : options.stops) {
    if (stop.empty()) return Status(Code::kOutOfRange, "Expected non-empty stop strings");
  }
  if (options.alternatives < 0) return Status(Code::kOutOfRange, "Expected a count for topLogprobs");
  if (options.keep < 0) return Status(Code::kOutOfRange, "Expected a count for the tokens to keep");
  return vocabulary.Check(options.stop_tokens);
}

}  // namespace

Result<std::unique_ptr<GenerationState>> GenerationState::Create(const Vocabulary& vocabulary,
                                                                 const GenerationOptions& options, const Tokens& prompt,
                                                                 Sink sink) {
  if (Status status = CheckOptions(vocabulary, options); !status.ok()) return status;
  auto sampler = Sampler::Create(vocabulary, options.sampling, prompt);
  if (!sampler.ok()) return sampler.status();
  return std::unique_ptr<GenerationState>(
      new GenerationState(vocabulary, options, std::move(sampler.value()), std::move(sink)));
}

GenerationState::GenerationState(const Vocabulary& vocabulary, const GenerationOptions& options,
                                 std::unique_ptr<Sampler> sampler, Sink sink)
    : vocabulary_(vocabulary),
      options_(options),
      sampler_(std::move(sampler)),
      sink_(std::move(sink)),
      finder_(options.stops) {
  if (options_.max_tokens == 0) Finish(StopReason::kLength);
}

Result<llama_token> GenerationState::Next(const float* row) {
  const double normalizer = LogSumExp(row, static_cast<size_t>(vocabulary_.size()));
  if (!std::isfinite(normalizer)) return Status(Code::kDecodeFailed, "The model returned non-finite logits");
  auto sampled = sampler_->Next(row);
  if (!sampled.ok()) return sampled.status();
  const llama_token token = sampled.value();
  RecordTime();
  if (vocabulary_.IsEndOfGeneration(token)) {
    End(StopReason::kEndOfGeneration);
    return LLAMA_TOKEN_NULL;
  }
  Piece piece;
  AddToken(token, row, normalizer, &piece);
  Emit(std::move(piece));
  return ended_ ? LLAMA_TOKEN_NULL : token;
}

void GenerationState::RecordTime() {
  const Clock::time_point now = Clock::now();
  if (generation_.tokens.empty()) first_token_ = now;
  const auto ms = [](Clock::duration span) { return std::chrono::duration<double, std::milli>(span).count(); };
  generation_.first_token_ms = ms(first_token_ - start_);
  generation_.write_ms = ms(now - first_token_);
}

void GenerationState::AddToken(llama_token token, const float* row, double normalizer, Piece* piece) {
  piece->token = token;
  piece->logprob = static_cast<double>(row[token]) - normalizer;
  if (options_.alternatives > 0) FindAlternatives(row, normalizer, piece);
  generation_.tokens.push_back(token);
  generation_.logprobs.push_back(piece->logprob);

  // In a vocabulary without text, tokens have no bytes.
  const bool begins = options_.begins_text && generation_.tokens.size() == 1;
  auto bytes = begins ? vocabulary_.FirstTokenBytes(token) : vocabulary_.TokenBytes(token);
  const size_t before = finder_.text().size();
  const bool stopped = finder_.Append(bytes.ok() ? bytes.value() : std::string());
  const auto stop = std::find(options_.stop_tokens.begin(), options_.stop_tokens.end(), token);
  if (stopped) {
    Finish(StopReason::kStopString);
  } else if (stop != options_.stop_tokens.end()) {
    generation_.stop = static_cast<int>(stop - options_.stop_tokens.begin());
    Finish(StopReason::kStopToken);
    if (generation_.reason == StopReason::kStopToken && !options_.include_stop) end_ = before;
  } else if (static_cast<int>(generation_.tokens.size()) == options_.max_tokens) {
    Finish(StopReason::kLength);
  }
}

void GenerationState::FindAlternatives(const float* row, double normalizer, Piece* piece) {
  const auto size = static_cast<size_t>(vocabulary_.size());
  FindBestTokens(row, size, static_cast<size_t>(options_.alternatives), &best_tokens_);
  piece->alternatives = best_tokens_;
  for (const llama_token token : best_tokens_) {
    piece->alternative_logprobs.push_back(static_cast<double>(row[token]) - normalizer);
  }
  generation_.alternatives.insert(generation_.alternatives.end(), piece->alternatives.begin(),
                                  piece->alternatives.end());
  generation_.alternative_logprobs.insert(generation_.alternative_logprobs.end(), piece->alternative_logprobs.begin(),
                                          piece->alternative_logprobs.end());
}

void GenerationState::End(StopReason reason) {
  Finish(reason);
  Emit({});
}

void GenerationState::Finish(StopReason reason) {
  ended_ = true;
  end_ = finder_.text().size();
  generation_.reason = reason;
  // A stop string that was found, but that a longer one starting earlier could still have preempted, is
  // final now that the text has ended.
  if (finder_.begin() == StopFinder::kNone) return;
  generation_.reason = StopReason::kStopString;
  generation_.stop = static_cast<int>(finder_.stop());
  end_ = options_.include_stop ? finder_.end() : finder_.begin();
}

void GenerationState::Emit(Piece piece) {
  const std::string& text = finder_.text();
  const size_t safe = finder_.safe_length();
  const size_t until = ended_ ? end_ : safe - IncompleteUtf8Length(text, safe);
  if (until > emitted_) {
    piece.text = text.substr(emitted_, until - emitted_);
    emitted_ = until;
  }
  if (ended_) generation_.text = text.substr(0, end_);
  if (sink_ && (piece.token != LLAMA_TOKEN_NULL || !piece.text.empty())) sink_(std::move(piece));
}

}  // namespace autocog
