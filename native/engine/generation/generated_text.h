// One text in the making: picks tokens from rows of logits, keeps what was written, finds its
// end, and hands out what the reader may see. The loops that decode stand elsewhere
// (generator, generate_many). One thread.

#ifndef AUTOCOG_ENGINE_GENERATION_GENERATED_TEXT_H_
#define AUTOCOG_ENGINE_GENERATION_GENERATED_TEXT_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/common/status.h"
#include "engine/common/usage.h"
#include "engine/generation/sampler.h"
#include "engine/generation/stop_finder.h"
#include "engine/model/vocabulary.h"

namespace autocog {

// How a text is written and where it ends.
struct WritingOptions {
  int max_tokens = 128;
  std::vector<std::string> stops;
  Tokens stop_tokens;
  bool include_stop = false;
  int alternatives = 0;  // likeliest tokens to tell per token, before any sampling
  // When the context is full, forget the older half of what follows the first `keep` tokens.
  bool context_shift = false;
  int keep = 0;
  SamplingOptions sampling;
};

// kContext: the context is full. kAborted: somebody wants no more of it.
enum class StopReason { kEndOfGeneration, kStopString, kStopToken, kLength, kContext, kAborted };

// What was written since the last piece: at most one token, and text, which lags behind where
// a character is incomplete or a stop may have begun.
struct Piece {
  llama_token token = LLAMA_TOKEN_NULL;
  double logprob = 0;
  Tokens alternatives;
  std::vector<double> alternative_logprobs;
  std::string text;
};

using Sink = std::function<void(Piece)>;

struct Generation {
  Tokens tokens;                 // all, those of a stop included; no end token
  std::vector<double> logprobs;  // of each, natural, by the model, whatever the sampler made of it
  Tokens alternatives;           // `alternatives` per token, best first
  std::vector<double> alternative_logprobs;
  std::string text;  // bytes
  StopReason reason = StopReason::kLength;
  int stop = -1;              // index in stops or stop_tokens, by the reason
  double first_token_ms = 0;  // from the job's start
  double write_ms = 0;        // from the first token to the last
  Usage usage;
};

class Writer {
 public:
  // `sink` may be empty. kOutOfRange, kInvalidArgument for options that are not what they should be.
  static Result<std::unique_ptr<Writer>> Create(const Vocabulary& vocabulary, const WritingOptions& options,
                                                const Tokens& prompt, Sink sink);

  // Writes the next token, given the logits before it. Gives the token, to be decoded for the
  // next row, or LLAMA_TOKEN_NULL where the text has ended.
  // REQUIRES: !ended().
  Result<llama_token> Next(const float* row);

  bool ended() const { return ended_; }
  // Ends it from outside. REQUIRES: !ended().
  void End(StopReason reason);

  Generation& generation() { return generation_; }

 private:
  using Clock = std::chrono::steady_clock;

  Writer(const Vocabulary& vocabulary, const WritingOptions& options, std::unique_ptr<Sampler> sampler, Sink sink);
  void Note(llama_token token, const float* row, double normalizer, Piece* piece);
  void FindAlternatives(const float* row, double normalizer, Piece* piece);
  void KeepTime();
  // Hands out the piece with all text that is certain now.
  void Release(Piece piece);
  void Close(StopReason reason);

  const Vocabulary& vocabulary_;
  const WritingOptions options_;
  std::unique_ptr<Sampler> sampler_;
  Sink sink_;
  StopFinder finder_;
  size_t released_ = 0;  // bytes of the text
  size_t end_ = 0;       // of the text, once ended
  bool ended_ = false;
  Generation generation_;
  Tokens order_;  // reused
  const Clock::time_point start_ = Clock::now();
  Clock::time_point first_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_GENERATED_TEXT_H_
