// Included before ggml's RPC client (cmake/llama.cmake). Its dispatcher, a thread per server, asserts that the server
// lives: it would end the process. Here that assertion tells the engine (native/engine/common/assertion.h), which
// survives, and the dispatcher answers all further messages itself, without the server. What they return only has to
// keep ggml from crashing until the engine asks which server is lost (native/engine/rpc/rpc_servers.h). All other
// assertions are as they were.

#ifndef AUTOCOG_RPC_DISPATCHER_H_
#define AUTOCOG_RPC_DISPATCHER_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "../native/engine/common/rpc_loss.h"
#include "ggml.h"

namespace autocog {

struct NoMessage {};

// An answer with which ggml divides by nothing, follows no null pointer, and allocates nothing more.
template <typename Message>
void AnswerAsLost(Message& message) {
  if (message.output == nullptr) return;
  using Command = decltype(message.cmd);
  uint64_t value = 0;
  switch (message.cmd) {
    case Command::RPC_CMD_GET_ALIGNMENT:
      value = 128;
      break;
    case Command::RPC_CMD_GET_MAX_SIZE:
    case Command::RPC_CMD_GET_ALLOC_SIZE:
      // More than a machine has, but the sum over all tensors of a model does not overflow.
      value = uint64_t{1} << 48;
      break;
    case Command::RPC_CMD_BUFFER_GET_BASE:
      value = uint64_t{1} << 20;
      break;
    default:
      break;
  }
  const bool is_memory = message.cmd == Command::RPC_CMD_GET_DEVICE_MEMORY;
  std::memset(message.output, is_memory ? 0xFF : 0, message.output_size);
  if (value != 0) std::memcpy(message.output, &value, std::min(sizeof value, message.output_size));
}

// Outside of the dispatcher's loop.
inline bool ServeAsLost(const void*, const NoMessage&) { return false; }

// In its loop, with the message that failed. Returns when the dispatcher ends.
template <typename Queue, typename Message>
bool ServeAsLost(Queue* queue, std::shared_ptr<Message>& message) {
  try {
    ggml_abort(kRpcLossMarker, 0, "it has closed the connection, or its answer is unreadable");
  } catch (...) {
    // The engine throws to return from a function that never does.
  }
  do {
    AnswerAsLost(*message);
    message->completion.set_value();
  } while (queue->pop(&message));
  // The loop completes it.
  message = std::make_shared<Message>();
  return true;
}

}  // namespace autocog

// In the dispatcher's loop, its members and variables of these names hide these.
static autocog::NoMessage msg_ptr;
static autocog::NoMessage queue;

#undef GGML_ABORT
#define GGML_ABORT(...) \
  (autocog::ServeAsLost(&queue, msg_ptr) ? static_cast<void>(0) : ggml_abort(__FILE__, __LINE__, __VA_ARGS__))

#endif  // AUTOCOG_RPC_DISPATCHER_H_
