// See session_support.h.

#include "test/session/session_support.h"

#include <unistd.h>

#include <cstdlib>
#include <map>
#include <utility>

#include "engine/common/job_thread.h"
#include "test/common/check.h"

namespace autocog::test {

JobThread* Owner() {
  static JobThread owner;
  return &owner;
}

Cancellation Never() { return Cancellation(Owner(), nullptr); }

std::shared_ptr<Model> LoadAs(const std::string& type) {
  static std::map<std::string, std::shared_ptr<Model>> loaded;
  auto& model = loaded[type];
  if (model) return model;
  std::string path = "models/default.gguf";
  if (type != "F16") {
    const char* folder = std::getenv("TMPDIR");
    path = std::string(folder != nullptr ? folder : "/tmp") + "/autocog-test-" + std::to_string(getpid()) + type;
    const bool written = Quantize("models/default.gguf", path, type, 1).ok();
    EXPECT(written);
  }
  auto result = Model::Load(path, {}, {}, Never());
  EXPECT(result.ok());
  if (type != "F16") unlink(path.c_str());
  model = result.value();
  return model;
}

ContextOptions ExactOptions() {
  ContextOptions options;
  options.context_size = 256;
  options.kv_type_k = "f32";
  options.kv_type_v = "f32";
  return options;
}

std::unique_ptr<Session> Open(const std::string& type, const ContextOptions& options, int slots) {
  auto session = Session::Create(LoadAs(type), options, slots);
  EXPECT(session.ok());
  return std::move(session.value());
}

Result<TreeScores> ScoreTree(Session* session, const Tokens& prompt, std::vector<int32_t> tokens,
                             std::vector<int32_t> parents, std::vector<uint8_t> flags, const Tokens& ends,
                             bool sequential, const Cancellation& cancellation) {
  TreeRequest request;
  request.tokens = std::move(tokens);
  request.parents = std::move(parents);
  request.flags = std::move(flags);
  request.end_tokens = ends;
  request.sequential = sequential;
  return session->ScoreTree(prompt, std::move(request), std::nullopt, cancellation);
}

GenerationOptions Greedy(int max_tokens, std::vector<std::string> stops) {
  GenerationOptions options;
  options.max_tokens = max_tokens;
  options.stops = std::move(stops);
  return options;
}

Tokens RandomPrompt(std::mt19937* random, int size) {
  Tokens prompt(static_cast<size_t>(size));
  for (auto& token : prompt) token = std::uniform_int_distribution<int>(0, 255)(*random);
  return prompt;
}

}  // namespace autocog::test
