// See control_vector.h.

#include "engine/model/control_vector.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>

#include "engine/model/gguf_file.h"

namespace autocog {

namespace {

// The N of `direction.N`; 0 for other names.
int LayerOf(const std::string& name) {
  const std::string prefix = "direction.";
  if (name.compare(0, prefix.size(), prefix) != 0) return 0;
  const std::string digits = name.substr(prefix.size());
  const bool plain = !digits.empty() && digits.size() <= 6 &&
                     std::all_of(digits.begin(), digits.end(), [](char digit) { return digit >= '0' && digit <= '9'; });
  return plain ? std::stoi(digits) : 0;
}

Result<ControlVector> Read(const GgufFile& file, int width, int layers) {
  const auto load_error = [&](const std::string& reason) {
    return Status(Code::kModelLoad, "Cannot load " + file.path() + ": " + reason);
  };
  if (file.tensors().empty()) return load_error("it has no tensors, so it is not a control vector");
  ControlVector vector;
  for (const GgufFile::Tensor& tensor : file.tensors()) {
    const std::string what = "its tensor '" + tensor.name + "' ";
    const int layer = LayerOf(tensor.name);
    if (layer < 1) return load_error(what + "is not a direction of a control vector");
    if (layer >= layers) {
      return load_error(what + "is for a layer that this model does not have; control vectors apply to layers 1 to " +
                        std::to_string(layers - 1));
    }
    if (tensor.type != GGML_TYPE_F32)
      return load_error(what + "is of type " + ggml_type_name(tensor.type) + ", not f32");
    const auto& shape = tensor.shape;
    if (shape[0] != width || shape[1] != 1 || shape[2] != 1 || shape[3] != 1) {
      return load_error(what + "has " + std::to_string(shape[0] * shape[1] * shape[2] * shape[3]) +
                        " numbers, but the embedding size of this model is " + std::to_string(width));
    }
    const size_t columns = static_cast<size_t>(width);
    const size_t start = columns * static_cast<size_t>(layer - 1);
    if (vector.data.size() < start + columns) vector.data.resize(start + columns);
    if (Status status = file.Read(tensor, vector.data.data() + start); !status.ok()) return status;
  }
  if (std::any_of(vector.data.begin(), vector.data.end(), [](float value) { return !std::isfinite(value); })) {
    return load_error("it has numbers that are not finite");
  }
  return vector;
}

}  // namespace

Result<ControlVector> ReadControlVector(const std::string& path, int width, int layers) {
  auto file = GgufFile::Open(path);
  if (!file.ok()) return file.status();
  try {
    return Read(*file.value(), width, layers);
  } catch (const std::exception& error) {
    return Status(Code::kOutOfMemory, "Not enough memory for the control vector in " + path, error.what());
  }
}

}  // namespace autocog
