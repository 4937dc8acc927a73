// See cell_values.h. llama.h has no access to a context's memory, but its graphs refer to all of it.

#include "engine/context/cell_values.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"
#include "llama-ext.h"

namespace autocog {

namespace {

// Elements that are read at a time, a multiple of all block sizes.
constexpr int64_t kChunk = int64_t{1} << 16;

const ggml_tensor* RootOf(const ggml_tensor* tensor) {
  while (tensor->view_src != nullptr) tensor = tensor->view_src;
  return tensor;
}

// The tensors of the context's memory, which llama.cpp names cache_*.
std::set<const ggml_tensor*> MemoryOf(llama_context* context) {
  std::set<const ggml_tensor*> memory;
  const auto add = [&](const ggml_tensor* tensor) {
    if (tensor == nullptr) return;
    const ggml_tensor* root = RootOf(tensor);
    if (root->buffer != nullptr && std::strncmp(root->name, "cache_", 6) == 0) memory.insert(root);
  };
  ggml_cgraph* graph = llama_graph_reserve(context, 1, 1, 1);
  if (graph == nullptr) return memory;
  for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
    const ggml_tensor* node = ggml_graph_node(graph, i);
    add(node);
    for (const ggml_tensor* source : node->src) add(source);
  }
  return memory;
}

bool AreFinite(const std::vector<float>& values, size_t count) {
  return std::all_of(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count),
                     [](float value) { return std::isfinite(value); });
}

bool HasNonFinite(const ggml_tensor* tensor) {
  const ggml_to_float_t to_float = ggml_get_type_traits(tensor->type)->to_float;
  if (tensor->type != GGML_TYPE_F32 && to_float == nullptr) return false;  // integers
  std::vector<char> bytes(ggml_row_size(tensor->type, kChunk));
  std::vector<float> values(static_cast<size_t>(kChunk));
  for (int64_t first = 0; first < ggml_nelements(tensor); first += kChunk) {
    const int64_t count = std::min(kChunk, ggml_nelements(tensor) - first);
    const size_t size = ggml_row_size(tensor->type, count);
    ggml_backend_tensor_get(tensor, bytes.data(), ggml_row_size(tensor->type, first), size);
    if (tensor->type == GGML_TYPE_F32) {
      std::memcpy(values.data(), bytes.data(), size);
    } else {
      to_float(bytes.data(), values.data(), count);
    }
    if (!AreFinite(values, static_cast<size_t>(count))) return true;
  }
  return false;
}

}  // namespace

bool HasNonFiniteCells(llama_context* context) {
  const auto memory = MemoryOf(context);
  return std::any_of(memory.begin(), memory.end(), HasNonFinite);
}

}  // namespace autocog
