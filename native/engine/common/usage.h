// The cost of a job: token counts and times, returned with every result.

#ifndef AUTOCOG_ENGINE_COMMON_USAGE_H_
#define AUTOCOG_ENGINE_COMMON_USAGE_H_

#include <chrono>

namespace autocog {

struct Usage {
  int prompt_tokens = 0;
  int cached_tokens = 0;   // prompt tokens found in the KV cache
  int decoded_tokens = 0;  // of prompt and continuation, without padding
  int padding_tokens = 0;  // see Kernels::kBatch
  int decode_calls = 0;
  double queue_ms = 0;   // in the queue, waiting for earlier jobs
  double prompt_ms = 0;  // getting the prompt into the KV cache
  double decode_ms = 0;  // decoding the continuation
  double read_ms = 0;    // computing probabilities from logits
};

// Adds the time from construction to destruction to a total, in milliseconds.
class Stopwatch {
 public:
  explicit Stopwatch(double* total) : total_(total), start_(Clock::now()) {}
  ~Stopwatch() { *total_ += std::chrono::duration<double, std::milli>(Clock::now() - start_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  double* total_;
  Clock::time_point start_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_USAGE_H_
