// How the code that is included into ggml's RPC client (cmake/rpc-dispatcher.h, cmake/rpc-transport.h) and the engine
// agree on a lost server.
// Constants only: with CPU variants, the client is a library of its own.

#ifndef AUTOCOG_ENGINE_COMMON_RPC_LOSS_H_
#define AUTOCOG_ENGINE_COMMON_RPC_LOSS_H_

#include <cstddef>

namespace autocog {

// What the message of a failed assertion starts with if the client has lost a server, and survives that.
constexpr char kRpcLossMarker[] = "autocog-lm: an RPC server is lost";

// What it starts with if the client tells which socket this thread is about to connect, instead of a line number.
constexpr char kRpcSocketMarker[] = "autocog-lm: an RPC socket";

// The free and the total memory of the devices of a lost server.
constexpr size_t kLostMemory = ~size_t{0};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_RPC_LOSS_H_
