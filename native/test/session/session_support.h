// Sessions on the default model, for the engine's tests.

#ifndef AUTOCOG_TEST_SESSION_SESSION_SUPPORT_H_
#define AUTOCOG_TEST_SESSION_SESSION_SUPPORT_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/common/job_thread.h"
#include "engine/session/session.h"

namespace autocog::test {

// The owner of all cancellations.
JobThread* Owner();

// A cancellation that is never requested.
Cancellation Never();

// The default model quantized to a weight type; loaded once per type.
std::shared_ptr<Model> LoadAs(const std::string& type);

// A small context with an F32 KV cache, so that only the weights cause rounding.
ContextOptions ExactOptions();

std::unique_ptr<Session> Open(const std::string& type, const ContextOptions& options = ExactOptions(), int slots = 3);

// Scores every node of a tree.
Result<TreeScores> ScoreTree(Session* session, const Tokens& prompt, std::vector<int32_t> tokens,
                             std::vector<int32_t> parents, std::vector<uint8_t> flags, const Tokens& ends,
                             bool sequential, const Cancellation& cancellation);

// Greedy generation of up to `max_tokens` tokens.
GenerationOptions Greedy(int max_tokens, std::vector<std::string> stops = {});

Tokens RandomPrompt(std::mt19937* random, int size);

}  // namespace autocog::test

#endif  // AUTOCOG_TEST_SESSION_SESSION_SUPPORT_H_
