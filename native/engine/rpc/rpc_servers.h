// Connections to RPC servers, each shared by all models of the process that use the server: it serves one client at a
// time. A server that is lost in use does not end the process (cmake/rpc-dispatcher.h), but what llama.cpp computed
// since then is wrong: whoever uses its devices asks Check() before a result counts. Thread-safe.

#ifndef AUTOCOG_ENGINE_RPC_RPC_SERVERS_H_
#define AUTOCOG_ENGINE_RPC_RPC_SERVERS_H_

#include <memory>
#include <string>
#include <vector>

#include "engine/common/status.h"
#include "ggml-backend.h"

namespace autocog {

class RpcServer;

// Whether a model of this process uses the server at "host:port", and has not noticed a loss. Does not block.
bool IsRpcServerConnected(const std::string& address);

// Ends the connections to all servers, as if they were lost: what waits for an answer goes on. For the end of the
// process.
void AbandonRpcServers();

// The servers of one model, in its order. Must outlive everything that llama.cpp allocates on their devices.
class RpcServers {
 public:
  // Connects to the servers ("host:port") that this process is not connected to. Blocks. kNotSupported if the build
  // has no RPC backend, kModelLoad if a server does not respond.
  static Result<std::shared_ptr<RpcServers>> Connect(const std::vector<std::string>& addresses);

  std::vector<ggml_backend_dev_t> Devices() const;

  // An error with this code, which names the server, if one is lost. Takes no time unless the process has lost some
  // server since the last call. REQUIRES: what was requested of the devices is finished.
  Status Check(Code code) const;
  // Sends each server a request first, so that one is noticed that was lost after the last response.
  Status Ping(Code code) const;

 private:
  std::vector<std::shared_ptr<RpcServer>> servers_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_RPC_RPC_SERVERS_H_
