// See backend.h.

#include "engine/common/backend.h"

#include <iterator>
#include <mutex>
#include <sstream>

#include "engine/common/assertion.h"
#include "engine/common/backend_files.h"
#include "engine/common/log.h"
#include "llama.h"

#ifndef GGML_BACKEND_DL
// native/kernels/kernels.cc, in ggml's CPU backend.
extern "C" const char* AutocogKernels();
#endif

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

std::vector<std::string> Kernels() {
  InstallBackend();
#ifdef GGML_BACKEND_DL
  const auto names = reinterpret_cast<const char* (*)()>(CpuFunction("AutocogKernels"));
  if (names == nullptr) return {};
#else
  const auto names = AutocogKernels;
#endif
  std::istringstream words(names());
  return {std::istream_iterator<std::string>(words), std::istream_iterator<std::string>()};
}

Result<ggml_backend_dev_t> FindDevice(const std::string& name) {
  ggml_backend_dev_t device = ggml_backend_dev_by_name(name.c_str());
  if (device != nullptr) return device;
  std::string known;
  for (const Device& each : Devices()) known += (known.empty() ? "" : ", ") + each.name;
  return Status(Code::kOutOfRange, "Expected the name of a device (" + known + "), got " + name);
}

}  // namespace autocog
