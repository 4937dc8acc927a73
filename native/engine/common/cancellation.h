// Cancellation of running jobs: by the caller's flag (an AbortSignal) or by the owning thread (closing
// the object, exit of the environment).

#ifndef AUTOCOG_ENGINE_COMMON_CANCELLATION_H_
#define AUTOCOG_ENGINE_COMMON_CANCELLATION_H_

#include <atomic>
#include <memory>
#include <utility>

#include "engine/common/job_thread.h"
#include "engine/common/status.h"

namespace autocog {

using CancelFlag = std::shared_ptr<std::atomic<bool>>;

inline CancelFlag NewCancelFlag() { return std::make_shared<std::atomic<bool>>(false); }

// `owner` must outlive this. Read on the owner's thread; the flags are set from any thread.
class Cancellation {
 public:
  Cancellation(const JobThread* owner, CancelFlag caller) : owner_(owner), caller_(std::move(caller)) {}

  bool requested() const {
    return (caller_ && caller_->load(std::memory_order_relaxed)) || (owner_ != nullptr && owner_->stopping());
  }

  // REQUIRES: requested(). Closing takes precedence over an abort, since the session is gone either way.
  Status status() const {
    if (owner_ != nullptr && owner_->stopping()) return Status(Code::kClosed, "The session was closed");
    return Status(Code::kAborted, "The call was aborted");
  }

 private:
  const JobThread* owner_;
  CancelFlag caller_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_CANCELLATION_H_
