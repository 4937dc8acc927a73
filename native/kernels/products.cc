// See products.h.

#include "products.h"

#include <algorithm>
#include <cstdint>

#include "ggml-cpu.h"
#include "operation.h"

namespace autocog::kernels {

namespace {

// The sizes of an operation, and the parts of the work buffer.
struct Shape {
  Shape(const Kernel& kernel, const ggml_tensor* op, int threads)
      : blocks(static_cast<int>(op->src[0]->ne[0] / kBlock)),
        rows(ggml_nrows(op->src[1])),
        results(Aligned(rows * sizeof(float*))),
        activations(Aligned(rows * blocks * kernel.activation_block)),
        panel(blocks * kernel.weight_block),
        total(64 + results + activations + threads * panel) {}

  int blocks;
  int64_t rows;
  size_t results;
  size_t activations;
  size_t panel;
  size_t total;
};

}  // namespace

bool IsProduct(const ggml_tensor* op) {
  if (op->op != GGML_OP_MUL_MAT || ggml_get_op_params_i32(op, 1) == GGML_HINT_SRC0_IS_HADAMARD) return false;
  const Kernel* kernel = KernelFor(op);
  return kernel != nullptr && op->src[0]->ne[2] == 1 && op->src[0]->ne[3] == 1 && ggml_nrows(op->src[1]) >= kLeastRows;
}

bool Products::work_size(int threads, const ggml_tensor* op, size_t& size) {
  size = Shape(*KernelFor(op), op, threads).total;
  return true;
}

bool Products::compute_forward(ggml_compute_params* params, ggml_tensor* op) {
  const ggml_tensor* weights = op->src[0];
  const Kernel& kernel = *KernelFor(op);
  const Shape shape(kernel, op, params->nth);
  auto* work = reinterpret_cast<char*>(Aligned(reinterpret_cast<uintptr_t>(params->wdata)));
  auto* results = reinterpret_cast<float**>(work);
  char* activations = work + shape.results;
  char* panel = activations + shape.activations + params->ith * shape.panel;

  const auto quantize = ggml_get_type_traits_cpu(kernel.activations)->from_float;
  for (int64_t first = params->ith * kTileRows; first < shape.rows; first += params->nth * kTileRows) {
    const int count = static_cast<int>(std::min<int64_t>(kTileRows, shape.rows - first));
    char* tile = activations + first * shape.blocks * kernel.activation_block;
    for (int row = 0; row < count; ++row) {
      quantize(reinterpret_cast<const float*>(Row(op->src[1], first + row)), panel, weights->ne[0]);
      kernel.fill(panel, shape.blocks, row, count, tile);
      results[first + row] = reinterpret_cast<float*>(Row(op, first + row));
    }
  }
  // Panels are handed out in turn, a few at a time, since threads differ in speed.
  const int64_t panels = Panels(weights);
  const int64_t chunk = std::max<int64_t>(1, panels / (16 * params->nth));
  if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
  ggml_barrier(params->threadpool);

  const Batch batch = {activations, results, shape.rows};
  for (int64_t turn = params->ith; turn * chunk < panels; turn = ggml_threadpool_chunk_add(params->threadpool, 1)) {
    for (int64_t number = turn * chunk; number < std::min(panels, (turn + 1) * chunk); ++number) {
      MultiplyPanel(kernel, weights, static_cast<const char*>(weights->data), number, batch, panel);
    }
  }
  return true;
}

}  // namespace autocog::kernels
