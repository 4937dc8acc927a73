// Included before the transport of ggml's RPC client (cmake/llama.cmake). A machine that loses its power or its network
// closes no connection, and the client waits for an answer without limit: here the system asks such a machine whether
// it lives, and ends the connection after about a minute without an answer. The engine learns the socket, so that it
// can end a connection on which nothing comes when the process ends.

#ifndef AUTOCOG_RPC_TRANSPORT_H_
#define AUTOCOG_RPC_TRANSPORT_H_

#ifndef _WIN32

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "../native/engine/common/rpc_loss.h"
#include "ggml.h"

namespace autocog {

inline void SetInteger(int socket, int level, int name, int value) {
  // Without it, the connection works as well.
  static_cast<void>(setsockopt(socket, level, name, &value, sizeof value));
}

inline void TellEngine(int socket) {
  try {
    ggml_abort(kRpcSocketMarker, socket, "connects");
  } catch (...) {
    // The engine throws to return from a function that never does.
  }
}

// Every connection is given the option TCP_NODELAY, and no other socket is.
inline int SetOption(int socket, int level, int name, const void* value, socklen_t size) {
  if (level == IPPROTO_TCP && name == TCP_NODELAY) {
    constexpr int kIdleSeconds = 30;
    constexpr int kIntervalSeconds = 10;
    constexpr int kProbes = 3;
    // A child of this process that outlives it would keep the server busy, which serves one client at a time.
    static_cast<void>(fcntl(socket, F_SETFD, FD_CLOEXEC));
    SetInteger(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined(TCP_KEEPIDLE)
    SetInteger(socket, IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
#elif defined(TCP_KEEPALIVE)
    SetInteger(socket, IPPROTO_TCP, TCP_KEEPALIVE, kIdleSeconds);
#endif
    SetInteger(socket, IPPROTO_TCP, TCP_KEEPINTVL, kIntervalSeconds);
    SetInteger(socket, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
#if defined(TCP_USER_TIMEOUT)
    // What was sent is not asked about, but sent again.
    SetInteger(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, (kIdleSeconds + kProbes * kIntervalSeconds) * 1000);
#endif
    // That of a client is not connected yet; a server's has accepted a connection.
    sockaddr_storage peer;
    socklen_t peer_size = sizeof peer;
    if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) TellEngine(socket);
  }
  return setsockopt(socket, level, name, value, size);
}

}  // namespace autocog

#define setsockopt(socket, level, name, value, size) autocog::SetOption(socket, level, name, value, size)

#endif  // _WIN32

#endif  // AUTOCOG_RPC_TRANSPORT_H_
