// See rpc_servers.h.

#include "engine/rpc/rpc_servers.h"

#ifndef _WIN32
#include <sys/socket.h>
#endif

#include <atomic>
#include <exception>
#include <map>
#include <mutex>

#include "engine/common/assertion.h"
#include "engine/common/backend.h"
#include "engine/common/rpc_loss.h"

namespace autocog {

namespace {

using AddServer = ggml_backend_reg_t (*)(const char*);

// ggml-rpc.h declares the function, but is available in RPC builds only.
Result<AddServer> FindAddServer() {
  InstallBackend();
  ggml_backend_reg_t rpc = ggml_backend_reg_by_name("RPC");
  if (rpc == nullptr) {
    return Status(Code::kNotSupported, "This build has no RPC backend; build one with: npx autocog-lm build --rpc");
  }
  void* add_server = ggml_backend_reg_get_proc_address(rpc, "ggml_backend_rpc_add_server");
  if (add_server == nullptr) return Status(Code::kNotSupported, "This build's RPC backend cannot add servers");
  return reinterpret_cast<AddServer>(add_server);
}

// ggml keeps facts about a server for the life of the process, by its name: devices, alignments, sizes. Each connection
// has a name of its own, since a server that was started again can differ, and what was kept of a lost one is wrong.
// ggml reads the port up to the first character that is no digit.
std::string NameConnection(const std::string& address) {
  static std::atomic<int> connections{0};
  return address + "#" + std::to_string(++connections);
}

}  // namespace

class RpcServer {
 public:
  explicit RpcServer(std::string address) : address_(std::move(address)) {}

  // Throws what ggml's assertions throw, or returns false, if the server does not respond.
  bool Open(AddServer add_server, const std::string& name) {
    ggml_backend_reg_t reg = add_server(name.c_str());
    if (reg == nullptr) return false;
    for (size_t i = 0; i < ggml_backend_reg_dev_count(reg); ++i) {
      devices_.push_back(ggml_backend_reg_dev_get(reg, i));
      // ggml ends a connection that no backend and no buffer uses, and makes another one for the next request.
      backends_.emplace_back(ggml_backend_dev_init(devices_.back(), nullptr), ggml_backend_free);
    }
    socket_ = LastRpcSocket();
    return !devices_.empty() && Responds();
  }

  // The client closes the socket after the last of backends_.
  void Abandon() const {
#ifndef _WIN32
    if (socket_ >= 0) shutdown(socket_, SHUT_RDWR);
#endif
  }

  const std::string& address() const { return address_; }
  const std::vector<ggml_backend_dev_t>& devices() const { return devices_; }

  // Without asking it.
  bool IsKnownLost() const { return lost_; }

  bool IsLost() {
    const std::lock_guard<std::mutex> lock(mutex_);
    const int losses = RpcLosses();
    if (lost_ || losses == losses_) return lost_;
    losses_ = losses;
    lost_ = !Responds();
    return lost_;
  }

  bool Ping() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!lost_) lost_ = !Responds();
    return !lost_;
  }

 private:
  bool Responds() const {
    AssertionGuard guard;
    try {
      size_t free = 0;
      size_t total = 0;
      ggml_backend_dev_memory(devices_.front(), &free, &total);
      return total != kLostMemory;
    } catch (const std::exception&) {
      return false;
    }
  }

  const std::string address_;
  std::vector<ggml_backend_dev_t> devices_;
  std::vector<std::unique_ptr<ggml_backend, decltype(&ggml_backend_free)>> backends_;
  int socket_ = -1;
  std::mutex mutex_;
  int losses_ = RpcLosses();  // when this server was last known to respond; guarded by mutex_
  std::atomic<bool> lost_{false};
};

namespace {

// One address: what is connected to it.
struct Address {
  std::mutex connecting;  // of two models that are loaded at once, the second waits for the connection of the first
  std::mutex mutex;
  std::weak_ptr<RpcServer> server;  // guarded by mutex

  std::shared_ptr<RpcServer> Current() {
    const std::lock_guard<std::mutex> lock(mutex);
    return server.lock();
  }
};

// Never destroyed, and nothing of it removed: models may be freed while the process ends.
struct Addresses {
  std::mutex mutex;
  std::map<std::string, Address> by_name;  // guarded by mutex
};

Addresses& AllAddresses() {
  static auto* all = new Addresses;
  return *all;
}

Address& AddressOf(const std::string& name) {
  Addresses& all = AllAddresses();
  const std::lock_guard<std::mutex> lock(all.mutex);
  return all.by_name[name];
}

Result<std::shared_ptr<RpcServer>> ConnectTo(const std::string& name, AddServer add_server) {
  Address& address = AddressOf(name);
  const std::lock_guard<std::mutex> lock(address.connecting);
  if (auto known = address.Current(); known != nullptr && known->Ping()) return known;
  auto server = std::make_shared<RpcServer>(name);
  // The connection is made on this thread, and fails by assertions.
  AssertionGuard guard;
  try {
    if (!server->Open(add_server, NameConnection(name))) {
      return Status(Code::kModelLoad, "No RPC server responds at " + name);
    }
  } catch (const std::exception& error) {
    return Status(Code::kModelLoad, "The RPC server " + name + " does not respond as llama.cpp's of this release",
                  error.what());
  }
  const std::lock_guard<std::mutex> replacing(address.mutex);
  address.server = server;
  return server;
}

Status LostStatus(Code code, const RpcServer& server) {
  return Status(code, "The RPC server " + server.address() +
                          " was lost: it has ended, or no longer responds as llama.cpp's of this release");
}

}  // namespace

bool IsRpcServerConnected(const std::string& address) {
  const auto server = AddressOf(address).Current();
  return server != nullptr && !server->IsKnownLost();
}

void AbandonRpcServers() {
  Addresses& all = AllAddresses();
  const std::lock_guard<std::mutex> lock(all.mutex);
  for (auto& [name, address] : all.by_name) {
    if (const auto server = address.Current()) server->Abandon();
  }
}

Result<std::shared_ptr<RpcServers>> RpcServers::Connect(const std::vector<std::string>& addresses) {
  auto servers = std::make_shared<RpcServers>();
  if (addresses.empty()) return servers;
  auto add_server = FindAddServer();
  if (!add_server.ok()) return add_server.status();
  for (const std::string& address : addresses) {
    auto server = ConnectTo(address, add_server.value());
    if (!server.ok()) return server.status();
    servers->servers_.push_back(std::move(server.value()));
  }
  return servers;
}

std::vector<ggml_backend_dev_t> RpcServers::Devices() const {
  std::vector<ggml_backend_dev_t> devices;
  for (const auto& server : servers_) {
    devices.insert(devices.end(), server->devices().begin(), server->devices().end());
  }
  return devices;
}

Status RpcServers::Check(Code code) const {
  for (const auto& server : servers_) {
    if (server->IsLost()) return LostStatus(code, *server);
  }
  return Status::Ok();
}

Status RpcServers::Ping(Code code) const {
  for (const auto& server : servers_) {
    if (!server->Ping()) return LostStatus(code, *server);
  }
  return Status::Ok();
}

}  // namespace autocog
