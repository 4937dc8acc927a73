// The process-wide part of ggml: one-time initialization and device enumeration. Thread-safe.

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

// Initializes llama.cpp and redirects its log. Called by the other functions here. Idempotent.
void InstallBackend();

std::vector<Device> Devices();

// What the CPU backend in use computes by kernels of ours (native/kernels): "attention" and types of weights, "Q8_0".
std::vector<std::string> Kernels();

// kOutOfRange if there is no device with that name.
Result<ggml_backend_dev_t> FindDevice(const std::string& name);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_COMMON_BACKEND_H_
