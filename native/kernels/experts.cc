// See experts.h.

#include "experts.h"

#include <algorithm>
#include <cstdint>

#include "ggml-cpu.h"
#include "operation.h"

namespace autocog::kernels {

namespace {

// A choice of a token: which row of activations is multiplied. All choices of one expert are side by side.
using Choice = int64_t;

// The sizes of an operation, and the parts of the work buffer.
struct Shape {
  Shape(const Kernel& kernel, const ggml_tensor* op, int threads)
      : blocks(static_cast<int>(op->src[0]->ne[0] / kBlock)),
        experts(op->src[0]->ne[2]),
        rows(ggml_nrows(op->src[1])),
        choices(ggml_nelements(op->src[2])),
        quantized_row(ggml_row_size(kernel.activations, op->src[1]->ne[0])),
        starts(Aligned((experts + 1) * sizeof(int64_t))),
        sources(Aligned(choices * sizeof(Choice))),
        results(Aligned(choices * sizeof(float*))),
        quantized(Aligned(rows * quantized_row)),
        activations(Aligned(choices * blocks * kernel.activation_block)),
        panel(blocks * kernel.weight_block),
        total(64 + starts + sources + results + quantized + activations + threads * panel) {}

  int blocks;
  int64_t experts;
  int64_t rows;
  int64_t choices;
  size_t quantized_row;
  size_t starts;
  size_t sources;
  size_t results;
  size_t quantized;
  size_t activations;
  size_t panel;
  size_t total;
};

// The work buffer. Choices starts[e] to starts[e + 1] are those of expert e.
struct Work {
  Work(const Shape& shape, void* data) {
    auto* at = reinterpret_cast<char*>(Aligned(reinterpret_cast<uintptr_t>(data)));
    const auto take = [&at](size_t bytes) {
      char* part = at;
      at += bytes;
      return part;
    };
    starts = reinterpret_cast<int64_t*>(take(shape.starts));
    sources = reinterpret_cast<Choice*>(take(shape.sources));
    results = reinterpret_cast<float**>(take(shape.results));
    quantized = take(shape.quantized);
    activations = take(shape.activations);
    panels = at;
  }

  int64_t* starts;
  Choice* sources;
  float** results;
  char* quantized;
  char* activations;
  char* panels;
};

// Sorts the choices by expert, in the order of tokens.
void Group(const ggml_tensor* op, const Shape& shape, const Work& work) {
  const ggml_tensor* activations = op->src[1];
  const ggml_tensor* chosen = op->src[2];
  const auto expert = [chosen](int64_t choice, int64_t token) {
    const char* at = static_cast<const char*>(chosen->data) + choice * chosen->nb[0] + token * chosen->nb[1];
    return *reinterpret_cast<const int32_t*>(at);
  };
  std::fill_n(work.starts, shape.experts + 1, 0);
  for (int64_t token = 0; token < chosen->ne[1]; ++token) {
    for (int64_t choice = 0; choice < chosen->ne[0]; ++choice) ++work.starts[expert(choice, token) + 1];
  }
  for (int64_t e = 0; e < shape.experts; ++e) work.starts[e + 1] += work.starts[e];
  // Each start moves to the next one's place while its choices are placed.
  for (int64_t token = 0; token < chosen->ne[1]; ++token) {
    for (int64_t choice = 0; choice < chosen->ne[0]; ++choice) {
      const int64_t place = work.starts[expert(choice, token)]++;
      // All choices of a token may share a row of activations.
      work.sources[place] = choice % activations->ne[1] + token * activations->ne[1];
      work.results[place] =
          reinterpret_cast<float*>(static_cast<char*>(op->data) + choice * op->nb[1] + token * op->nb[2]);
    }
  }
  std::copy_backward(work.starts, work.starts + shape.experts, work.starts + shape.experts + 1);
  work.starts[0] = 0;
}

// Fills this thread's part of the tiles of all experts.
void Gather(const Kernel& kernel, const Shape& shape, const Work& work, const ggml_compute_params* params) {
  for (int64_t e = 0; e < shape.experts; ++e) {
    for (int64_t choice = work.starts[e]; choice < work.starts[e + 1]; ++choice) {
      if (choice % params->nth != params->ith) continue;
      const auto row = static_cast<int>((choice - work.starts[e]) % kTileRows);
      const int64_t first = choice - row;
      const auto rows = static_cast<int>(std::min<int64_t>(kTileRows, work.starts[e + 1] - first));
      kernel.fill(work.quantized + work.sources[choice] * shape.quantized_row, shape.blocks, row, rows,
                  work.activations + first * shape.blocks * kernel.activation_block);
    }
  }
}

}  // namespace

bool IsExperts(const ggml_tensor* op) {
  if (op->op != GGML_OP_MUL_MAT_ID) return false;
  // Also for experts with a single row, where packing costs more than it gains: a result must not depend on how many
  // tokens are decoded with it.
  return KernelFor(op) != nullptr && op->src[2]->ne[1] >= kLeastRows;
}

bool Experts::work_size(int threads, const ggml_tensor* op, size_t& size) {
  size = Shape(*KernelFor(op), op, threads).total;
  return true;
}

bool Experts::compute_forward(ggml_compute_params* params, ggml_tensor* op) {
  const ggml_tensor* weights = op->src[0];
  const Kernel& kernel = *KernelFor(op);
  const Shape shape(kernel, op, params->nth);
  const Work work(shape, params->wdata);

  if (params->ith == 0) Group(op, shape, work);
  const auto quantize = ggml_get_type_traits_cpu(kernel.activations)->from_float;
  for (int64_t row = params->ith; row < shape.rows; row += params->nth) {
    quantize(reinterpret_cast<const float*>(Row(op->src[1], row)), work.quantized + row * shape.quantized_row,
             weights->ne[0]);
  }
  if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
  ggml_barrier(params->threadpool);
  Gather(kernel, shape, work, params);
  ggml_barrier(params->threadpool);

  // Each turn is a few panels of one expert.
  const int64_t panels = Panels(weights);
  const int64_t chunk = std::max<int64_t>(1, panels / (4 * params->nth));
  const int64_t chunks = (panels + chunk - 1) / chunk;
  for (int64_t turn = params->ith; turn < chunks * shape.experts;
       turn = ggml_threadpool_chunk_add(params->threadpool, 1)) {
    const int64_t expert = turn / chunks;
    const int64_t first = work.starts[expert];
    const Batch batch = {work.activations + first * shape.blocks * kernel.activation_block, work.results + first,
                         work.starts[expert + 1] - first};
    if (batch.rows == 0) continue;
    const char* data = static_cast<const char*>(weights->data) + expert * weights->nb[2];
    const int64_t begin = turn % chunks * chunk;
    for (int64_t number = begin; number < std::min(panels, begin + chunk); ++number) {
      MultiplyPanel(kernel, weights, data, number, batch, work.panels + params->ith * shape.panel);
    }
  }
  return true;
}

}  // namespace autocog::kernels
