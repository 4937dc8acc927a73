// See pieces.h.

#include "addon/values/pieces.h"

#include <cstdint>

#include "addon/values/values.h"

namespace autocog {

namespace {

class PiecesEvent final : public Event {
 public:
  explicit PiecesEvent(std::shared_ptr<Pieces> pieces) : pieces_(std::move(pieces)) {}
  void Deliver(Napi::Env env) override { pieces_->Deliver(env); }

 private:
  std::shared_ptr<Pieces> pieces_;
};

}  // namespace

void Pieces::Add(int task, Piece piece) {
  bool first = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    first = pending_.empty();
    pending_.emplace_back(task, std::move(piece));
  }
  if (first) environment_->Send(std::make_unique<PiecesEvent>(shared_from_this()));
}

void Pieces::Deliver(Napi::Env env) {
  std::vector<std::pair<int, Piece>> pieces;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    pieces.swap(pending_);
  }
  std::vector<int32_t> tasks;
  std::vector<int32_t> tokens;
  std::vector<double> logprobs;
  std::vector<int32_t> alternatives;
  std::vector<double> alternative_logprobs;
  Napi::Array texts = Napi::Array::New(env, pieces.size());
  for (const auto& [task, piece] : pieces) {
    texts.Set(static_cast<uint32_t>(tasks.size()), Napi::String::New(env, piece.text));
    tasks.push_back(task);
    tokens.push_back(piece.token);
    logprobs.push_back(piece.logprob);
    alternatives.insert(alternatives.end(), piece.alternatives.begin(), piece.alternatives.end());
    alternative_logprobs.insert(alternative_logprobs.end(), piece.alternative_logprobs.begin(),
                                piece.alternative_logprobs.end());
  }
  function_.Call({FromInt32s(env, tasks), FromInt32s(env, tokens), FromDoubles(env, logprobs), texts,
                  FromInt32s(env, alternatives), FromDoubles(env, alternative_logprobs)});
}

}  // namespace autocog
