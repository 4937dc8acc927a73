// Pieces of text on their way from an engine thread to a JavaScript function, in order. What
// comes while the last delivery is still waiting joins it, so that a quick model does not cost
// a turn of the event loop per token.

#ifndef AUTOCOG_ADDON_VALUES_PIECES_H_
#define AUTOCOG_ADDON_VALUES_PIECES_H_

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "addon/environment.h"
#include "addon/napi_common.h"
#include "engine/generation/generated_text.h"

namespace autocog {

// Made on the JavaScript thread and dropped there: by a job and by the events that it sent.
class Pieces : public std::enable_shared_from_this<Pieces> {
 public:
  // `function` is one that does not throw, and is called as `onPieces` of lib/native/binding.ts.
  Pieces(Environment* environment, Napi::Function function)
      : environment_(environment), function_(Napi::Persistent(function)) {}

  // Any thread.
  void Add(int task, Piece piece);
  // JavaScript thread.
  void Deliver(Napi::Env env);

 private:
  Environment* environment_;
  Napi::FunctionReference function_;
  std::mutex mutex_;
  std::vector<std::pair<int, Piece>> waiting_;  // guarded by mutex_
};

}  // namespace autocog

#endif  // AUTOCOG_ADDON_VALUES_PIECES_H_
