// See writer.h.

#include "engine/generation/generated_text.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/generation/utf8.h"
#include "engine/scoring/best_tokens.h"
#include "engine/scoring/log_softmax.h"

namespace autocog {

namespace {

Status CheckOptions(const Vocabulary& vocabulary, const WritingOptions& options) {
  if (options.max_tokens < 0) {
    return Status(Code::kOutOfRange, "Expected a count for maxTokens, got " + std::to_string(options.max_tokens));
  }
  for (const std::string& stop : options.stops) {
    if (stop.empty()) return Status(Code::kOutOfRange, "Expected stop strings that are not empty");
  }
  if (options.alternatives < 0) return Status(Code::kOutOfRange, "Expected a count for topLogprobs");
  if (options.keep < 0) return Status(Code::kOutOfRange, "Expected a count for the tokens to keep");
  return vocabulary.Check(options.stop_tokens);
}

}  // namespace

Result<std::unique_ptr<Writer>> Writer::Create(const Vocabulary& vocabulary, const WritingOptions& options,
                                               const Tokens& prompt, Sink sink) {
  if (Status status = CheckOptions(vocabulary, options); !status.ok()) return status;
  auto sampler = Sampler::Create(vocabulary, options.sampling, prompt);
  if (!sampler.ok()) return sampler.status();
  return std::unique_ptr<Writer>(new Writer(vocabulary, options, std::move(sampler.value()), std::move(sink)));
}

Writer::Writer(const Vocabulary& vocabulary, const WritingOptions& options, std::unique_ptr<Sampler> sampler, Sink sink)
    : vocabulary_(vocabulary),
      options_(options),
      sampler_(std::move(sampler)),
      sink_(std::move(sink)),
      finder_(options.stops) {
  if (options_.max_tokens == 0) Close(StopReason::kLength);
}

Result<llama_token> Writer::Next(const float* row) {
  const double normalizer = LogSumExp(row, static_cast<size_t>(vocabulary_.size()));
  if (!std::isfinite(normalizer)) return Status(Code::kDecodeFailed, "The model gave logits that are not finite");
  auto picked = sampler_->Next(row);
  if (!picked.ok()) return picked.status();
  const llama_token token = picked.value();
  KeepTime();
  if (vocabulary_.IsEndOfGeneration(token)) {
    End(StopReason::kEndOfGeneration);
    return LLAMA_TOKEN_NULL;
  }
  Piece piece;
  Note(token, row, normalizer, &piece);
  Release(std::move(piece));
  return ended_ ? LLAMA_TOKEN_NULL : token;
}

void Writer::KeepTime() {
  const Clock::time_point now = Clock::now();
  if (generation_.tokens.empty()) first_ = now;
  const auto ms = [](Clock::duration span) { return std::chrono::duration<double, std::milli>(span).count(); };
  generation_.first_token_ms = ms(first_ - start_);
  generation_.write_ms = ms(now - first_);
}

void Writer::Note(llama_token token, const float* row, double normalizer, Piece* piece) {
  piece->token = token;
  piece->logprob = static_cast<double>(row[token]) - normalizer;
  if (options_.alternatives > 0) FindAlternatives(row, normalizer, piece);
  generation_.tokens.push_back(token);
  generation_.logprobs.push_back(piece->logprob);

  // A vocabulary without text gives tokens only.
  auto bytes = vocabulary_.TokenBytes(token);
  const size_t before = finder_.text().size();
  const bool stopped = finder_.Append(bytes.ok() ? bytes.value() : std::string());
  const auto stop = std::find(options_.stop_tokens.begin(), options_.stop_tokens.end(), token);
  if (stopped) {
    Close(StopReason::kStopString);
  } else if (stop != options_.stop_tokens.end()) {
    generation_.stop = static_cast<int>(stop - options_.stop_tokens.begin());
    Close(StopReason::kStopToken);
    if (generation_.reason == StopReason::kStopToken && !options_.include_stop) end_ = before;
  } else if (static_cast<int>(generation_.tokens.size()) == options_.max_tokens) {
    Close(StopReason::kLength);
  }
}

void Writer::FindAlternatives(const float* row, double normalizer, Piece* piece) {
  const auto size = static_cast<size_t>(vocabulary_.size());
  FindBestTokens(row, size, static_cast<size_t>(options_.alternatives), &order_);
  piece->alternatives = order_;
  for (const llama_token token : order_) {
    piece->alternative_logprobs.push_back(static_cast<double>(row[token]) - normalizer);
  }
  generation_.alternatives.insert(generation_.alternatives.end(), piece->alternatives.begin(),
                                  piece->alternatives.end());
  generation_.alternative_logprobs.insert(generation_.alternative_logprobs.end(), piece->alternative_logprobs.begin(),
                                          piece->alternative_logprobs.end());
}

void Writer::End(StopReason reason) {
  Close(reason);
  Release({});
}

void Writer::Close(StopReason reason) {
  ended_ = true;
  end_ = finder_.text().size();
  generation_.reason = reason;
  // No more comes, so that a stop that might have been preceded by another is the earliest.
  if (finder_.begin() == StopFinder::kNone) return;
  generation_.reason = StopReason::kStopString;
  generation_.stop = static_cast<int>(finder_.stop());
  end_ = options_.include_stop ? finder_.end() : finder_.begin();
}

void Writer::Release(Piece piece) {
  const std::string& text = finder_.text();
  const size_t certain = finder_.certain();
  const size_t until = ended_ ? end_ : certain - UnfinishedUtf8(text, certain);
  if (until > released_) {
    piece.text = text.substr(released_, until - released_);
    released_ = until;
  }
  if (ended_) generation_.text = text.substr(0, end_);
  if (sink_ && (piece.token != LLAMA_TOKEN_NULL || !piece.text.empty())) sink_(std::move(piece));
}

}  // namespace autocog
