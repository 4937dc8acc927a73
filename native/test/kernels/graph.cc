// See graph.h.

#include "test/kernels/graph.h"

#include <cstring>

#include "engine/common/backend.h"

namespace autocog::test {

Graph::Graph() {
  InstallBackend();
  backend_ = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr);
  ggml_init_params params = {ggml_tensor_overhead() * 64 + ggml_graph_overhead(), nullptr, true};
  context_ = ggml_init(params);
}

Graph::~Graph() {
  ggml_backend_buffer_free(buffer_);
  ggml_backend_buffer_free(repacked_);
  ggml_free(context_);
  ggml_backend_free(backend_);
}

void Graph::Allocate() {
  buffer_ = ggml_backend_alloc_ctx_tensors(context_, backend_);
  // Nothing may depend on what memory happens to hold.
  ggml_backend_buffer_clear(buffer_, 0xff);
}

bool Graph::AllocateRepacked(ggml_tensor* tensor) {
  ggml_backend_dev_t device = ggml_backend_get_device(backend_);
  auto types = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(
      ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts"));
  for (auto* type = types == nullptr ? nullptr : types(device); type != nullptr && *type != nullptr; ++type) {
    if (std::strcmp(ggml_backend_buft_name(*type), "CPU_REPACK") != 0) continue;
    repacked_ = ggml_backend_buft_alloc_buffer(*type, ggml_backend_buft_get_alloc_size(*type, tensor));
    ggml_backend_buffer_set_usage(repacked_, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    ggml_backend_tensor_alloc(repacked_, tensor, ggml_backend_buffer_get_base(repacked_));
    return true;
  }
  return false;
}

std::vector<char> Graph::ComputeBytes(ggml_tensor* result, int threads) {
  ggml_backend_reg_t reg = ggml_backend_dev_backend_reg(ggml_backend_get_device(backend_));
  auto set_threads = reinterpret_cast<ggml_backend_set_n_threads_t>(
      ggml_backend_reg_get_proc_address(reg, "ggml_backend_set_n_threads"));
  set_threads(backend_, threads);
  ggml_cgraph* graph = ggml_new_graph(context_);
  ggml_build_forward_expand(graph, result);
  ggml_backend_graph_compute(backend_, graph);
  std::vector<char> bytes(ggml_nbytes(result));
  ggml_backend_tensor_get(result, bytes.data(), 0, bytes.size());
  return bytes;
}

std::vector<float> Graph::Compute(ggml_tensor* result, int threads) {
  const std::vector<char> bytes = ComputeBytes(result, threads);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace autocog::test
