// Log-sum-exp, log-softmax and related functions of a row of float logits: vectorized, with a single pass
// of exponentials and sums in double precision. Pure.

#ifndef AUTOCOG_ENGINE_SCORING_LOG_SOFTMAX_H_
#define AUTOCOG_ENGINE_SCORING_LOG_SOFTMAX_H_

#include <cstddef>

namespace autocog {

// log Σ exp(logits[i]), natural. −inf has probability 0. The result is not finite if an entry is NaN or
// +inf, or if all are −inf. The relative error of the sum is below 1e-6.
// REQUIRES: size > 0.
double LogSumExp(const float* logits, size_t size);

// −Σ p log p in nats, for p = exp(logits) / Σ exp(logits). NaN if this is not a distribution.
// REQUIRES: size > 0.
double Entropy(const float* logits, size_t size);

// The lowest index of the maximum; `size` if the row is not a distribution: if an entry is NaN or +inf, or
// all are −inf. REQUIRES: size > 0.
size_t ArgMax(const float* logits, size_t size);

// The number of entries before logits[index] in descending order, ties by ascending index.
size_t CountBefore(const float* logits, size_t size, size_t index);

// out[i] = logits[i] − LogSumExp(logits). Returns the log-sum-exp. `out` may be `logits`.
double LogSoftmax(const float* logits, size_t size, float* out);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_LOG_SOFTMAX_H_
