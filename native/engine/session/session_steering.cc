// Session's part that changes what is computed: see steering.h. The cache goes first, as what it
// holds was computed otherwise.

#include <exception>
#include <utility>

#include "engine/session/session.h"

namespace autocog {

Result<std::string> Session::SetAdapters(std::vector<AdapterUse> adapters) {
  try {
    cache_.Clear();
    if (Status status = steering_.SetAdapters(std::move(adapters)); !status.ok()) return status;
    return steering_.name();
  } catch (const std::exception& error) {
    return Status(Code::kOutOfMemory, "Not enough memory for the adapters", error.what());
  }
}

Result<std::string> Session::SetControlVector(const std::vector<float>& data) {
  try {
    cache_.Clear();
    if (Status status = steering_.SetControlVector(data); !status.ok()) return status;
    return steering_.name();
  } catch (const std::exception& error) {
    return Status(Code::kOutOfMemory, "Not enough memory for the control vector", error.what());
  }
}

}  // namespace autocog
