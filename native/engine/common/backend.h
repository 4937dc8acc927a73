// The process-wide side of ggml: its one-time start and the devices that it found.
// Safe from any thread.

#ifndef AUTOCOG_ENGINE_COMMON_BACKEND_H_
#define AUTOCOG_ENGINE_COMMON_BACKEND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/common/status.h"
#include "ggml-backend.h"

namespace autocog {

struct Device {
  std::string name;
  std::string description;
  std::string backend;
  std::string type;  // "cpu", "gpu", "igpu", "accel" or "meta"
  uint64_t memory_free = 0;
  uint64_t memory_total = 0;
};

// Starts llama.cpp and takes over its log. Everything else here calls it first. Idempotent.
void InstallBackend();

std::vector<Device> Devices();

// Adds the devices of RPC servers ("host:port") and gives them; kNotSupported where the build
// has no RPC, kModelLoad where a server does not answer.
Result<std::vector<ggml_backend_dev_t>> RpcDevices(const std::vector<std::string>& servers);

// kOutOfRange where there is no device of that name.
Result<ggml_backend_dev_t> FindDevice(const std::string& name);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_BACKEND_H_
