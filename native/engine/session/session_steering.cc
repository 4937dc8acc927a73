// The methods of Session that set adapters and control vectors: see steering.h. They clear the cache first,
// since its contents were computed without the new settings.

#include <exception>
#include <utility>

#include "engine/session/session.h"

namespace autocog {

Result<std::string> Session::SetAdapters(std::vector<AdapterUse> adapters) {
  try {
    if (Status lost = CheckServers(); !lost.ok()) return lost;
    encoder_.Clear();
    Status status = steering_.SetAdapters(std::move(adapters));
    if (Status lost = CheckServers(); !lost.ok()) return lost;
    if (!status.ok()) return status;
    return steering_.name();
  } catch (const std::exception& error) {
    return Status(Code::kOutOfMemory, "Not enough memory for the adapters", error.what());
  }
}

Result<std::string> Session::SetControlVector(const std::vector<float>& data) {
  try {
    if (Status lost = CheckServers(); !lost.ok()) return lost;
    encoder_.Clear();
    Status status = steering_.SetControlVector(data);
    if (Status lost = CheckServers(); !lost.ok()) return lost;
    if (!status.ok()) return status;
    return steering_.name();
  } catch (const std::exception& error) {
    return Status(Code::kOutOfMemory, "Not enough memory for the control vector", error.what());
  }
}

}  // namespace autocog
