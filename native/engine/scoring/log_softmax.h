// Log-sum-exp and log-softmax over a row of float logits: vectorised, single pass of
// exponentials, sums carried in double. No state; any thread.

#ifndef AUTOCOG_ENGINE_SCORING_LOG_SOFTMAX_H_
#define AUTOCOG_ENGINE_SCORING_LOG_SOFTMAX_H_

#include <cstddef>

namespace autocog {

// log Σ exp(logits[i]), natural. −inf entries count as probability 0; NaN anywhere, +inf, or
// nothing but −inf give a result that is not finite. Relative error of the sum below 1e-6.
// REQUIRES: size > 0.
double LogSumExp(const float* logits, size_t size);

// −Σ p log p in nats, of the probabilities p = exp(logits) / Σ exp(logits). NaN where these are
// no distribution. REQUIRES: size > 0.
double Entropy(const float* logits, size_t size);

// The lowest index of the greatest; `size` where the row is no distribution: NaN or +inf anywhere, or
// nothing but −inf. REQUIRES: size > 0.
size_t ArgMax(const float* logits, size_t size);

// How many entries come before logits[index] in descending order, the lower index first of equals.
size_t CountBefore(const float* logits, size_t size, size_t index);

// out[i] = logits[i] − LogSumExp(logits), which it gives. `out` may be `logits`.
double LogSoftmax(const float* logits, size_t size, float* out);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_LOG_SOFTMAX_H_
