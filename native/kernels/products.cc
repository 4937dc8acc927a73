// See products.h.

#include "products.h"

#include <algorithm>
#include <cstdint>

#include "ggml-cpu.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VNNI__)
#include "panel.h"
#include "tile.h"
#define AUTOCOG_KERNELS_VNNI
#endif

namespace autocog::kernels {

#ifdef AUTOCOG_KERNELS_VNNI

namespace {

// One row, as in the generation of a single text, needs no more than to read the weights once, which ggml does without
// packing them. All others use the same kernel: then their results do not depend on how many there are.
constexpr int64_t kLeastRows = 2;

size_t Aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

// The sizes of an operation, and the parts of the work buffer.
struct Shape {
  Shape(const ggml_tensor* op, int threads)
      : blocks(static_cast<int>(op->src[0]->ne[0] / kBlock)),
        columns(op->src[0]->ne[1]),
        rows(ggml_nrows(op->src[1])),
        activations(Aligned(rows * blocks * sizeof(ActivationBlock))),
        panel(Aligned(blocks * sizeof(WeightBlock))),
        total(64 + activations + threads * panel) {
    static_assert(sizeof(WeightBlock) >= 34, "a panel's place also holds a quantized row");
  }

  int blocks;
  int64_t columns;
  int64_t rows;
  size_t activations;
  size_t panel;
  size_t total;
};

const char* Row(const ggml_tensor* tensor, int64_t row) {
  const int64_t i1 = row % tensor->ne[1];
  const int64_t i2 = row / tensor->ne[1] % tensor->ne[2];
  const int64_t i3 = row / tensor->ne[1] / tensor->ne[2];
  return static_cast<const char*>(tensor->data) + i1 * tensor->nb[1] + i2 * tensor->nb[2] + i3 * tensor->nb[3];
}

// ggml's quantized row in the form of a tile, in which rows alternate.
void FillTile(const char* quantized, int blocks, int zero, ActivationBlock* out, int rows_of_tile) {
  for (int block = 0; block < blocks; ++block, quantized += Q8Rows::kBytes, out += rows_of_tile) {
    const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(quantized + 2));
    const __m256i fours = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), values);
    const __m128i twos = _mm_add_epi32(_mm256_castsi256_si128(fours), _mm256_extracti128_si256(fours, 1));
    const __m128i pair = _mm_add_epi32(twos, _mm_unpackhi_epi64(twos, twos));
    const int32_t sum = _mm_cvtsi128_si32(pair) + _mm_extract_epi32(pair, 1);
    out->shift = -zero * sum;
    out->scale = _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(Q8Rows::Scale(quantized))));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out->values), values);
  }
}

using Tile = void (*)(int, const WeightBlock*, const ActivationBlock*, float*, size_t, __mmask16);
constexpr Tile kTiles[] = {MultiplyTile<1>, MultiplyTile<2>, MultiplyTile<3>, MultiplyTile<4>,
                           MultiplyTile<5>, MultiplyTile<6>, MultiplyTile<7>, MultiplyTile<8>};

}  // namespace

std::vector<ggml_type> ProductTypes() { return {GGML_TYPE_Q8_0}; }

bool IsProduct(const ggml_tensor* op) {
  if (op->op != GGML_OP_MUL_MAT) return false;
  const ggml_tensor* weights = op->src[0];
  const ggml_tensor* activations = op->src[1];
  // Weights in a buffer of another layout (repacked, AMX) are not for us.
  return weights->type == GGML_TYPE_Q8_0 && weights->buffer != nullptr &&
         ggml_backend_buft_is_host(ggml_backend_buffer_get_type(weights->buffer)) && weights->extra == nullptr &&
         weights->ne[2] == 1 && weights->ne[3] == 1 && weights->nb[0] == ggml_type_size(weights->type) &&
         activations->type == GGML_TYPE_F32 && activations->nb[0] == sizeof(float) && op->nb[0] == sizeof(float) &&
         ggml_nrows(activations) >= kLeastRows && ggml_get_op_params_i32(op, 1) != GGML_HINT_SRC0_IS_HADAMARD;
}

bool Products::work_size(int threads, const ggml_tensor* op, size_t& size) {
  size = Shape(op, threads).total;
  return true;
}

bool Products::compute_forward(ggml_compute_params* params, ggml_tensor* op) {
  const ggml_tensor* weights = op->src[0];
  const Shape shape(op, params->nth);
  auto* work = reinterpret_cast<char*>(Aligned(reinterpret_cast<uintptr_t>(params->wdata)));
  auto* activations = reinterpret_cast<ActivationBlock*>(work);
  auto* panel = reinterpret_cast<WeightBlock*>(work + shape.activations + params->ith * shape.panel);

  const auto quantize = ggml_get_type_traits_cpu(GGML_TYPE_Q8_0)->from_float;
  for (int64_t first = params->ith * kTileRows; first < shape.rows; first += params->nth * kTileRows) {
    const int count = static_cast<int>(std::min<int64_t>(kTileRows, shape.rows - first));
    for (int row = 0; row < count; ++row) {
      auto* quantized = reinterpret_cast<char*>(panel);
      quantize(reinterpret_cast<const float*>(Row(op->src[1], first + row)), quantized, op->src[1]->ne[0]);
      FillTile(quantized, shape.blocks, Q8Rows::kZero, activations + first * shape.blocks + row, count);
    }
  }
  // Panels are handed out in turn, a few at a time, since threads differ in speed.
  const int64_t panels = (shape.columns + kPanelRows - 1) / kPanelRows;
  const int64_t chunk = std::max<int64_t>(1, panels / (16 * params->nth));
  if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
  ggml_barrier(params->threadpool);

  for (int64_t turn = params->ith; turn * chunk < panels; turn = ggml_threadpool_chunk_add(params->threadpool, 1)) {
    for (int64_t number = turn * chunk; number < std::min(panels, (turn + 1) * chunk); ++number) {
      const int64_t column = number * kPanelRows;
      const int count = static_cast<int>(std::min<int64_t>(kPanelRows, shape.columns - column));
      const auto mask = static_cast<__mmask16>((1U << count) - 1);
      PackPanel<Q8Rows>(Row(weights, column), weights->nb[1], count, shape.blocks, panel);
      for (int64_t first = 0; first < shape.rows; first += kTileRows) {
        const int rows = static_cast<int>(std::min<int64_t>(kTileRows, shape.rows - first));
        // Rows of one matrix of results are apart by the same number of bytes; those of the next may not be.
        const int64_t here = std::min<int64_t>(rows, op->ne[1] - first % op->ne[1]);
        const size_t stride = op->nb[1] / sizeof(float);
        auto* out = reinterpret_cast<float*>(const_cast<char*>(Row(op, first))) + column;
        if (here == rows) {
          kTiles[rows - 1](shape.blocks, panel, activations + first * shape.blocks, out, stride, mask);
        } else {
          alignas(64) float results[kTileRows * kPanelRows];
          kTiles[rows - 1](shape.blocks, panel, activations + first * shape.blocks, results, kPanelRows, mask);
          for (int row = 0; row < rows; ++row) {
            auto* at = reinterpret_cast<float*>(const_cast<char*>(Row(op, first + row))) + column;
            std::copy_n(results + row * kPanelRows, count, at);
          }
        }
      }
    }
  }
  return true;
}

#else

std::vector<ggml_type> ProductTypes() { return {}; }
bool IsProduct(const ggml_tensor*) { return false; }
bool Products::work_size(int, const ggml_tensor*, size_t&) { return false; }
bool Products::compute_forward(ggml_compute_params*, ggml_tensor*) { return false; }

#endif

}  // namespace autocog::kernels
