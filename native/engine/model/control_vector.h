// Reads control vectors: what llama.cpp's tools write as GGUF files with a tensor
// `direction.N` for each layer N that something is added to.

#ifndef AUTOCOG_ENGINE_MODEL_CONTROL_VECTOR_H_
#define AUTOCOG_ENGINE_MODEL_CONTROL_VECTOR_H_

#include <string>
#include <vector>

#include "engine/common/status.h"

namespace autocog {

struct ControlVector {
  // Row after row; the first is that of layer 1, as layer 0 never gets any. Rows of layers that
  // the file leaves out are zero.
  std::vector<float> data;
};

// On the calling thread. `width` and `layers` are the model's; kModelLoad for a file that does
// not fit them or holds no control vector.
Result<ControlVector> ReadControlVector(const std::string& path, int width, int layers);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_CONTROL_VECTOR_H_
