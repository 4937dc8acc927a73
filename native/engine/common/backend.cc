// See backend.h.

#include "engine/common/backend.h"

#include <mutex>

#include "engine/common/assertion.h"
#include "engine/common/backend_files.h"
#include "engine/common/log.h"
#include "llama.h"

namespace autocog {

namespace {

std::string TypeName(enum ggml_backend_dev_type type) {
  switch (type) {
    case GGML_BACKEND_DEVICE_TYPE_CPU:
      return "cpu";
    case GGML_BACKEND_DEVICE_TYPE_GPU:
      return "gpu";
    case GGML_BACKEND_DEVICE_TYPE_IGPU:
      return "igpu";
    case GGML_BACKEND_DEVICE_TYPE_ACCEL:
      return "accel";
    case GGML_BACKEND_DEVICE_TYPE_META:
      return "meta";
  }
  return "meta";
}

}  // namespace

void InstallBackend() {
  static std::once_flag once;
  std::call_once(once, [] {
    InstallLog();
    InstallAssertions();
    LoadBackendFiles();
    llama_backend_init();
  });
}

std::vector<Device> Devices() {
  InstallBackend();
  std::vector<Device> devices;
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t raw = ggml_backend_dev_get(i);
    size_t free = 0;
    size_t total = 0;
    ggml_backend_dev_memory(raw, &free, &total);
    Device device;
    device.name = ggml_backend_dev_name(raw);
    device.description = ggml_backend_dev_description(raw);
    device.backend = ggml_backend_reg_name(ggml_backend_dev_backend_reg(raw));
    device.type = TypeName(ggml_backend_dev_type(raw));
    device.memory_free = free;
    device.memory_total = total;
    devices.push_back(std::move(device));
  }
  return devices;
}

Result<std::vector<ggml_backend_dev_t>> RpcDevices(const std::vector<std::string>& servers) {
  ggml_backend_reg_t rpc = ggml_backend_reg_by_name("RPC");
  if (rpc == nullptr) {
    return Status(Code::kNotSupported, "This build has no RPC backend; build one with: npx autocog-lm build --rpc");
  }
  // ggml-rpc.h declares the function's type, but is available in RPC builds only.
  using AddServer = ggml_backend_reg_t (*)(const char*);
  auto add_server = reinterpret_cast<AddServer>(ggml_backend_reg_get_proc_address(rpc, "ggml_backend_rpc_add_server"));
  if (add_server == nullptr) return Status(Code::kNotSupported, "This build's RPC backend cannot add servers");
  std::vector<ggml_backend_dev_t> devices;
  for (const std::string& server : servers) {
    // The client's connection is made on this thread, and fails by assertions.
    AssertionGuard guard;
    try {
      ggml_backend_reg_t reg = add_server(server.c_str());
      if (reg == nullptr) return Status(Code::kModelLoad, "No RPC server responds at " + server);
      for (size_t i = 0; i < ggml_backend_reg_dev_count(reg); ++i) {
        devices.push_back(ggml_backend_reg_dev_get(reg, i));
      }
    } catch (const std::exception& error) {
      return Status(Code::kModelLoad, "The RPC server " + server + " does not respond as llama.cpp's of this release",
                    error.what());
    }
  }
  return devices;
}

Result<ggml_backend_dev_t> FindDevice(const std::string& name) {
  ggml_backend_dev_t device = ggml_backend_dev_by_name(name.c_str());
  if (device != nullptr) return device;
  std::string known;
  for (const Device& each : Devices()) known += (known.empty() ? "" : ", ") + each.name;
  return Status(Code::kOutOfRange, "Expected the name of a device (" + known + "), got " + name);
}

}  // namespace autocog
