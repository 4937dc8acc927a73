// The state of one generation: samples tokens from rows of logits, collects the completion, detects its
// end, and emits the text that is final. The decode loops are in generator.cc and generate_many.cc. Not
// thread-safe.

#ifndef AUTOCOG_ENGINE_GENERATION_GENERATION_STATE_H_
#define AUTOCOG_ENGINE_GENERATION_GENERATION_STATE_H_

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

// How to sample a completion, and when to stop.
struct GenerationOptions {
  int max_tokens = 128;
  std::vector<std::string> stops;
  Tokens stop_tokens;
  bool include_stop = false;
  int alternatives = 0;  // number of most probable tokens to report per position, before sampling
  // When the context is full, discard the older half of the tokens that follow the first `keep`.
  bool context_shift = false;
  int keep = 0;
  bool begins_text = false;  // instead of continuing one: see Vocabulary::FirstTokenBytes()
  SamplingOptions sampling;
};

// kLength: max_tokens was reached. kContext: the context is full. kAborted: cancelled by the caller.
enum class StopReason { kEndOfGeneration, kStopString, kStopToken, kLength, kContext, kAborted };

// What was generated since the last piece: at most one token, and text. The text lags behind the tokens
// while a character is incomplete or a stop string may have started.
struct Piece {
  llama_token token = LLAMA_TOKEN_NULL;
  double logprob = 0;
  Tokens alternatives;
  std::vector<double> alternative_logprobs;
  std::string text;
};

using Sink = std::function<void(Piece)>;

struct Generation {
  Tokens tokens;                 // including those of a stop string, excluding the end token
  std::vector<double> logprobs;  // per token, natural, as computed by the model, before sampling
  Tokens alternatives;           // `alternatives` entries per token, best first
  std::vector<double> alternative_logprobs;
  std::string text;  // bytes
  StopReason reason = StopReason::kLength;
  int stop = -1;              // index in stops or stop_tokens, depending on the reason; -1 otherwise
  double first_token_ms = 0;  // from the start of the job
  double write_ms = 0;        // from the first token to the last
  Usage usage;
};

class GenerationState {
 public:
  // `sink` may be empty. kOutOfRange or kInvalidArgument for invalid options.
  static Result<std::unique_ptr<GenerationState>> Create(const Vocabulary& vocabulary, const GenerationOptions& options,
                                                         const Tokens& prompt, Sink sink);

  // Samples the next token from the given logits. Returns the token, to be decoded for the next row, or
  // LLAMA_TOKEN_NULL if the generation has ended.
  // REQUIRES: !ended().
  Result<llama_token> Next(const float* row);

  bool ended() const { return ended_; }
  // Ends the generation from outside. REQUIRES: !ended().
  void End(StopReason reason);

  Generation& generation() { return generation_; }

 private:
  using Clock = std::chrono::steady_clock;

  GenerationState(const Vocabulary& vocabulary, const GenerationOptions& options, std::unique_ptr<Sampler> sampler,
                  Sink sink);
  // Adds a sampled token to the generation and to the piece, and checks whether it ends the generation.
  void AddToken(llama_token token, const float* row, double normalizer, Piece* piece);
  void FindAlternatives(const float* row, double normalizer, Piece* piece);
  void RecordTime();
  // Passes the piece to the sink, with all text that is final now.
  void Emit(Piece piece);
  // Sets the reason and the end of the text.
  void Finish(StopReason reason);

  const Vocabulary& vocabulary_;
  const GenerationOptions options_;
  std::unique_ptr<Sampler> sampler_;
  Sink sink_;
  StopFinder finder_;
  size_t emitted_ = 0;  // bytes of text passed to the sink
  size_t end_ = 0;      // of the text, once ended
  bool ended_ = false;
  Generation generation_;
  Tokens best_tokens_;  // reused across calls
  const Clock::time_point start_ = Clock::now();
  Clock::time_point first_token_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GENERATION_GENERATION_STATE_H_
