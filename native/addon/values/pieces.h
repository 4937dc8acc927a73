// Streams generated pieces from an engine thread to a JavaScript function, in order. Pieces that arrive
// while a delivery is pending are batched into it, so that a fast model does not cost one turn of the
// event loop per token.

#ifndef AUTOCOG_ADDON_VALUES_PIECES_H_
#define AUTOCOG_ADDON_VALUES_PIECES_H_

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "addon/environment.h"
#include "addon/napi_common.h"
#include "engine/generation/generation_state.h"

namespace autocog {

// Created and released on the JavaScript thread. Owned by a job and the events that it sends.
class Pieces : public std::enable_shared_from_this<Pieces> {
 public:
  // `function` must not throw; it is called with the arguments of NativeOnPieces in lib/native/binding-types.ts.
  Pieces(Environment* environment, Napi::Function function)
      : environment_(environment), function_(Napi::Persistent(function)) {}

  // Callable from any thread.
  void Add(int task, Piece piece);
  // JavaScript thread.
  void Deliver(Napi::Env env);

 private:
  Environment* environment_;
  Napi::FunctionReference function_;
  std::mutex mutex_;
  std::vector<std::pair<int, Piece>> pending_;  // guarded by mutex_
};

}  // namespace autocog

#endif  // AUTOCOG_ADDON_VALUES_PIECES_H_
