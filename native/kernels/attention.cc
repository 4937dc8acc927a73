// See attention.h.

#include "attention.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "aligned.h"
#include "ggml-cpu.h"
#include "kernels.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#include "attention_tile.h"
#define AUTOCOG_KERNELS_AVX512
#endif

#ifdef AUTOCOG_KERNELS_AVX512

namespace autocog::kernels {

namespace {

// One token, as in the generation of a single text, would not gain. All others use the same kernel: then their results
// do not depend on how many there are.
constexpr int64_t kLeastTokens = 2;

template <typename Value = char>
Value* At(const ggml_tensor* tensor, int64_t i1, int64_t i2, int64_t i3) {
  return reinterpret_cast<Value*>(static_cast<char*>(tensor->data) + i1 * tensor->nb[1] + i2 * tensor->nb[2] +
                                  i3 * tensor->nb[3]);
}

// The three operations of attention, their sizes, and the parts of the work buffer.
struct Shape {
  Shape(const ggml_tensor* scores, int threads)
      : keys(scores->src[0]),
        queries(scores->src[1]),
        width(static_cast<int>(keys->ne[0])),
        panels(static_cast<int>(keys->ne[1] / kCells)),
        tokens(queries->ne[1]),
        heads(queries->ne[2]),
        shared(heads / keys->ne[2]),
        streams(queries->ne[3]),
        rows(tokens * shared),
        tiles((rows + kQueries - 1) / kQueries),
        visible_bytes(Aligned(streams * panels * tokens)),
        packed_bytes(streams * keys->ne[2] * panels * width * kCells * sizeof(float)),
        queries_bytes(Aligned(width * kQueries * sizeof(float))),
        scores_bytes(panels * kCells * kQueries * sizeof(float)),
        results_bytes(width > keys->ne[1] ? Aligned(streams * heads * tokens * width * sizeof(float)) : 0),
        thread_bytes(queries_bytes + scores_bytes + 2 * Aligned(panels * sizeof(int32_t))),
        total(64 + visible_bytes + packed_bytes + results_bytes + threads * thread_bytes) {}

  const ggml_tensor* keys;
  const ggml_tensor* queries;
  int width;        // of a key
  int panels;       // of the cells
  int64_t tokens;   // per stream
  int64_t heads;    // of queries
  int64_t shared;   // heads of queries per head of keys
  int64_t streams;  // caches
  int64_t rows;     // of queries per head of keys
  int64_t tiles;    // of such rows
  size_t visible_bytes;
  size_t packed_bytes;
  size_t queries_bytes;
  size_t scores_bytes;
  size_t results_bytes;
  size_t thread_bytes;
  size_t total;
};

// One call of AutocogAttention by one thread.
class Attention {
 public:
  Attention(const ggml_tensor* scores, const ggml_tensor* softmax, const ggml_tensor* sums,
            const ggml_compute_params* params)
      : shape_(scores, params->nth),
        mask_(softmax->src[1]),
        sinks_(softmax->src[2]),
        values_(sums->src[0]),
        sums_(sums),
        params_(params) {
    std::memcpy(&scale_, &softmax->op_params[0], sizeof(float));
    std::memcpy(&max_bias_, &softmax->op_params[1], sizeof(float));
    char* work = reinterpret_cast<char*>(Aligned(reinterpret_cast<uintptr_t>(params->wdata)));
    visible_ = work;
    packed_ = reinterpret_cast<float*>(work + shape_.visible_bytes);
    char* results = work + shape_.visible_bytes + shape_.packed_bytes;
    const bool fits = values_->ne[1] <= scores->ne[0];
    results_ = fits ? static_cast<float*>(scores->data) : reinterpret_cast<float*>(results);
    char* own = results + shape_.results_bytes + params->ith * shape_.thread_bytes;
    tile_queries_ = reinterpret_cast<float*>(own);
    tile_scores_ = reinterpret_cast<float*>(own + shape_.queries_bytes);
    tile_panels_ = reinterpret_cast<int32_t*>(own + shape_.queries_bytes + shape_.scores_bytes);
    tile_cells_ = tile_panels_ + Aligned(shape_.panels * sizeof(int32_t)) / sizeof(int32_t);
  }

  void Run() {
    FindVisible();
    ggml_barrier(params_->threadpool);
    Pack();
    if (params_->ith == 0) ggml_threadpool_chunk_set(params_->threadpool, params_->nth);
    ggml_barrier(params_->threadpool);
    const int64_t items = shape_.streams * shape_.keys->ne[2] * shape_.tiles;
    for (int64_t item = params_->ith; item < items; item = ggml_threadpool_chunk_add(params_->threadpool, 1)) {
      Tile(item / shape_.tiles / shape_.keys->ne[2], item / shape_.tiles % shape_.keys->ne[2], item % shape_.tiles);
    }
    ggml_barrier(params_->threadpool);
    Copy();
    ggml_barrier(params_->threadpool);
  }

 private:
  // Which tokens see a cell of which panel.
  void FindVisible() {
    const int64_t count = shape_.streams * shape_.tokens;
    for (int64_t at = params_->ith; at < count; at += params_->nth) {
      const int64_t stream = at / shape_.tokens;
      const int64_t token = at % shape_.tokens;
      const float* mask = MaskOf(stream, token);
      char* out = visible_ + stream * shape_.panels * shape_.tokens + token;
      bool any = false;
      for (int panel = 0; panel < shape_.panels; ++panel) {
        const bool sees = mask == nullptr || _mm512_cmp_ps_mask(_mm512_loadu_ps(mask + panel * kCells),
                                                                _mm512_set1_ps(-INFINITY), _CMP_NEQ_UQ) != 0;
        out[panel * shape_.tokens] = sees;
        any = any || sees;
      }
      // A row of nothing has no softmax: it becomes what ggml makes of it.
      if (!any) {
        for (int panel = 0; panel < shape_.panels; ++panel) out[panel * shape_.tokens] = true;
      }
    }
  }

  const float* MaskOf(int64_t stream, int64_t token) const {
    return mask_ == nullptr ? nullptr : At<float>(mask_, token, 0, stream % mask_->ne[3]);
  }

  bool Sees(int64_t stream, int panel, int64_t first, int64_t last) const {
    const char* at = visible_ + (stream * shape_.panels + panel) * shape_.tokens;
    return std::memchr(at + first, true, last - first + 1) != nullptr;
  }

  float* PackedOf(int64_t stream, int64_t head, int panel) const {
    return packed_ + ((stream * shape_.keys->ne[2] + head) * shape_.panels + panel) * shape_.width * kCells;
  }

  void Pack() {
    const int64_t heads = shape_.keys->ne[2];
    const int64_t count = shape_.streams * heads * shape_.panels;
    for (int64_t at = params_->ith; at < count; at += params_->nth) {
      const int panel = static_cast<int>(at % shape_.panels);
      const int64_t head = at / shape_.panels % heads;
      const int64_t stream = at / shape_.panels / heads;
      if (!Sees(stream, panel, 0, shape_.tokens - 1)) continue;
      const int64_t of_keys = stream / (shape_.streams / shape_.keys->ne[3]);
      PackKeys(At(shape_.keys, panel * kCells, head, of_keys), shape_.keys->nb[1], shape_.width,
               PackedOf(stream, head, panel));
    }
  }

  // As in ggml's softmax.
  float Slope(int64_t head) const {
    if (max_bias_ <= 0) return 1;
    const auto power = static_cast<int64_t>(1) << static_cast<int>(std::floor(std::log2(shape_.heads)));
    const float low = std::pow(2.0F, -max_bias_ / static_cast<float>(power));
    const float high = std::pow(2.0F, -max_bias_ / 2 / static_cast<float>(power));
    return head < power ? std::pow(low, static_cast<float>(head + 1))
                        : std::pow(high, static_cast<float>(2 * (head - power) + 1));
  }

  // Where a row's result waits: the place of the scores, which nobody else uses now, if it has that many cells. That of
  // the sums may still be that of the queries or the mask.
  float* ResultOf(int64_t stream, int64_t head, int64_t token) const {
    const int64_t row = (stream * shape_.heads + head) * shape_.tokens + token;
    return results_ + row * values_->ne[1];
  }

  // The rows of a tile are consecutive tokens, for each of which come all heads that share the keys.
  void Tile(int64_t stream, int64_t head_of_keys, int64_t tile) {
    const int64_t first = tile * kQueries;
    const int count = static_cast<int>(std::min<int64_t>(kQueries, shape_.rows - first));
    int64_t heads[kQueries];
    int64_t tokens[kQueries];
    RowMask masks[kQueries];
    for (int row = 0; row < count; ++row) {
      tokens[row] = (first + row) / shape_.shared;
      heads[row] = head_of_keys * shape_.shared + (first + row) % shape_.shared;
      masks[row] = {MaskOf(stream, tokens[row]), Slope(heads[row])};
      const float* query = At<float>(shape_.queries, tokens[row], heads[row], stream);
      for (int i = 0; i < shape_.width; i += 16) {
        alignas(64) float rounded[16];
        _mm512_store_ps(rounded, RoundToHalf(_mm512_loadu_ps(query + i)));
        for (int k = 0; k < 16; ++k) tile_queries_[(i + k) * kQueries + row] = rounded[k];
      }
    }
    int panels = 0;
    for (int panel = 0; panel < shape_.panels; ++panel) {
      if (!Sees(stream, panel, tokens[0], tokens[count - 1])) continue;
      tile_panels_[panels] = panel;
      tile_cells_[panels++] = panel * kCells;
    }
    const size_t stride = static_cast<size_t>(panels) * kCells;
    for (int i = 0; i < panels; ++i) {
      kScorePanel[count - 1](shape_.width, PackedOf(stream, head_of_keys, tile_panels_[i]), tile_queries_, scale_,
                             masks, tile_cells_[i], tile_scores_ + i * kCells, stride);
    }
    for (int row = 0; row < count; ++row) {
      const float sink = sinks_ == nullptr ? -INFINITY : static_cast<const float*>(sinks_->data)[heads[row]];
      Softmax(tile_scores_ + row * stride, panels, sink);
    }
    // SumValues takes four rows.
    std::fill(tile_scores_ + count * stride, tile_scores_ + (count + 3) / 4 * 4 * stride, 0.0F);
    const int64_t of_values = stream / (shape_.streams / values_->ne[3]);
    for (int row = 0; row < count; row += 4) {
      const int rows = std::min(4, count - row);
      float* outputs[4] = {};
      for (int k = 0; k < rows; ++k) outputs[k] = ResultOf(stream, heads[row + k], tokens[row + k]);
      for (int64_t i = 0; i < values_->ne[1]; i += 4) {
        SumValues(tile_scores_ + row * stride, stride, tile_cells_, panels, At(values_, i, head_of_keys, of_values),
                  values_->nb[1], rows, outputs);
        for (int k = 0; k < rows; ++k) outputs[k] += 4;
      }
    }
  }

  void Copy() const {
    const int64_t count = shape_.streams * shape_.heads * shape_.tokens;
    for (int64_t at = params_->ith; at < count; at += params_->nth) {
      const int64_t token = at % shape_.tokens;
      const int64_t head = at / shape_.tokens % shape_.heads;
      const int64_t stream = at / shape_.tokens / shape_.heads;
      std::copy_n(ResultOf(stream, head, token), values_->ne[1], At<float>(sums_, token, head, stream));
    }
  }

  using Score = void (*)(int, const float*, const float*, float, const RowMask*, int, float*, size_t);
  static constexpr Score kScorePanel[] = {ScorePanel<1>, ScorePanel<2>, ScorePanel<3>, ScorePanel<4>,
                                          ScorePanel<5>, ScorePanel<6>, ScorePanel<7>, ScorePanel<8>};

  Shape shape_;
  const ggml_tensor* mask_;
  const ggml_tensor* sinks_;
  const ggml_tensor* values_;
  const ggml_tensor* sums_;
  const ggml_compute_params* params_;
  float scale_ = 1;
  float max_bias_ = 0;
  char* visible_;
  float* packed_;
  float* results_;
  float* tile_queries_;
  float* tile_scores_;
  int32_t* tile_panels_;
  int32_t* tile_cells_;
};

// The index of the next node that computes something, or `count`.
int Next(const ggml_cgraph* graph, int node) {
  do ++node;
  while (node < graph->n_nodes && ggml_op_is_empty(graph->nodes[node]->op));
  return node;
}

bool IsMask(const ggml_tensor* mask, const ggml_tensor* scores) {
  return mask == nullptr || (mask->type == GGML_TYPE_F32 && mask->nb[0] == sizeof(float) &&
                             mask->ne[0] == scores->ne[0] && mask->ne[1] >= scores->ne[1] && mask->ne[2] == 1);
}

bool AreValues(const ggml_tensor* values, const ggml_tensor* scores) {
  return values->type == GGML_TYPE_F16 && values->nb[0] == sizeof(ggml_fp16_t) && values->ne[0] == scores->ne[0] &&
         values->ne[1] % 4 == 0 && values->ne[1] <= std::max(scores->ne[0], scores->src[0]->ne[0]) &&
         values->ne[2] == scores->src[0]->ne[2] && scores->ne[3] % values->ne[3] == 0;
}

}  // namespace

const bool kHasAttention = true;

bool IsScores(const ggml_tensor* op) {
  if (op->op != GGML_OP_MUL_MAT) return false;
  const ggml_tensor* keys = op->src[0];
  const ggml_tensor* queries = op->src[1];
  // Keys are a view of the cache, unlike weights, whose packed form would be as large as the model.
  return keys->op == GGML_OP_PERMUTE && keys->type == GGML_TYPE_F16 && keys->nb[0] == sizeof(ggml_fp16_t) &&
         queries->type == GGML_TYPE_F32 && queries->nb[0] == sizeof(float) && keys->ne[0] % 16 == 0 &&
         keys->ne[1] % kCells == 0 && keys->ne[1] > 0 && queries->ne[2] % keys->ne[2] == 0 &&
         queries->ne[3] % keys->ne[3] == 0 && ggml_is_contiguous(op) && queries->ne[1] * queries->ne[3] >= kLeastTokens;
}

bool Scores::work_size(int threads, const ggml_tensor* op, size_t& size) {
  // The first is what ggml needs, if the operation turns out to be another product.
  size = std::max(ggml_row_size(GGML_TYPE_F16, ggml_nelements(op->src[1])), Shape(op, threads).total);
  return true;
}

}  // namespace autocog::kernels

extern "C" bool AutocogAttention(const ggml_cgraph* graph, int* node, const ggml_compute_params* params) {
  using namespace autocog::kernels;
  const ggml_tensor* scores = graph->nodes[*node];
  if (scores->op != GGML_OP_MUL_MAT || params->use_ref || !AreKernelsEnabled() || !IsScores(scores)) return false;
  const int second = Next(graph, *node);
  const int third = Next(graph, second);
  if (third >= graph->n_nodes) return false;
  const ggml_tensor* softmax = graph->nodes[second];
  const ggml_tensor* sums = graph->nodes[third];
  if (softmax->op != GGML_OP_SOFT_MAX || softmax->src[0] != scores || !ggml_node_has_n_uses(graph, *node, 1))
    return false;
  if (sums->op != GGML_OP_MUL_MAT || sums->src[1] != softmax || !ggml_node_has_n_uses(graph, second, 1)) return false;
  const int32_t computed = scores->flags & softmax->flags & sums->flags & GGML_TENSOR_FLAG_COMPUTE;
  if (computed == 0 || !IsMask(softmax->src[1], scores) || !AreValues(sums->src[0], scores)) return false;
  if (sums->nb[0] != sizeof(float)) return false;
  Attention(scores, softmax, sums, params).Run();
  *node = third;
  return true;
}

#else

namespace autocog::kernels {

const bool kHasAttention = false;
bool IsScores(const ggml_tensor*) { return false; }
bool Scores::work_size(int, const ggml_tensor*, size_t&) { return false; }

}  // namespace autocog::kernels

extern "C" bool AutocogAttention(const ggml_cgraph*, int*, const ggml_compute_params*) { return false; }

#endif
