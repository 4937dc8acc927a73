// Reads control vectors: GGUF files, as written by llama.cpp's tools, with a tensor `direction.N` for each
// layer N whose output the vector is added to.

#ifndef AUTOCOG_ENGINE_MODEL_CONTROL_VECTOR_H_
#define AUTOCOG_ENGINE_MODEL_CONTROL_VECTOR_H_

#include <string>
#include <vector>

#include "engine/common/status.h"

namespace autocog {

struct ControlVector {
  // Row-major; the first row is for layer 1, since layer 0 has none. Rows of layers that the file omits
  // are zero.
  std::vector<float> data;
};

// Reads on the calling thread. `width` and `layers` are the model's. kModelLoad if the file is not a
// control vector or does not match them.
Result<ControlVector> ReadControlVector(const std::string& path, int width, int layers);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_CONTROL_VECTOR_H_
