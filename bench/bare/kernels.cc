// How fast the CPU backend multiplies weights of each type with activations, and computes attention, as it is: with this
// package's kernels, or with AUTOCOG_KERNELS=0 without them. Argument: threads. Prints a line of JSON per measurement:
// what, rows of activations (or tokens), and billions of multiplications per second, the best of several runs.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "ggml.h"

namespace {

constexpr int kRuns = 7;

class Cpu {
 public:
  explicit Cpu(int threads) : backend_(ggml_backend_cpu_init()) {
    ggml_threadpool_params params = ggml_threadpool_params_default(threads);
    ggml_backend_cpu_set_n_threads(backend_, threads);
    ggml_backend_cpu_set_threadpool(backend_, ggml_threadpool_new(&params));
  }

  ggml_backend_t raw() const { return backend_; }

  // The buffer type of ggml that rearranges weights, if it has one for them.
  ggml_backend_buffer_type_t BufferFor(const ggml_tensor* product) const {
    ggml_backend_dev_t device = ggml_backend_get_device(backend_);
    auto get = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(
        ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts"));
    for (ggml_backend_buffer_type_t* type = get == nullptr ? nullptr : get(device); type && *type; ++type) {
      // As llama.cpp asks: for an operation on weights in such a buffer.
      ggml_backend_buffer_t empty = ggml_backend_buft_alloc_buffer(*type, 0);
      product->src[0]->buffer = empty;
      const bool supported = ggml_backend_dev_supports_op(device, product);
      product->src[0]->buffer = nullptr;
      ggml_backend_buffer_free(empty);
      if (supported) return *type;
    }
    return ggml_backend_cpu_buffer_type();
  }

  double Seconds(ggml_context* context, ggml_tensor* result) const {
    ggml_cgraph* graph = ggml_new_graph(context);
    ggml_build_forward_expand(graph, result);
    ggml_backend_graph_compute(backend_, graph);
    double best = INFINITY;
    for (int run = 0; run < kRuns; ++run) {
      const auto start = std::chrono::steady_clock::now();
      ggml_backend_graph_compute(backend_, graph);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
  }

 private:
  ggml_backend_t backend_;
};

std::vector<float> Random(size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> value(0.0F, 1.0F);
  std::vector<float> all(count);
  for (float& each : all) each = value(random);
  return all;
}

ggml_context* NewContext() { return ggml_init({ggml_tensor_overhead() * 32 + ggml_graph_overhead(), nullptr, true}); }

void Set(ggml_tensor* tensor, const std::vector<float>& values) {
  std::vector<char> bytes(ggml_nbytes(tensor));
  const std::vector<float> importance(tensor->ne[0], 1.0F);
  ggml_quantize_chunk(tensor->type, values.data(), bytes.data(), 0, ggml_nrows(tensor), tensor->ne[0],
                      importance.data());
  ggml_backend_tensor_set(tensor, bytes.data(), 0, bytes.size());
}

void Report(const char* what, int64_t rows, double products, double seconds) {
  std::printf("{\"what\": \"%s\", \"rows\": %lld, \"rate\": %.1f}\n", what, static_cast<long long>(rows),
              products / seconds * 1e-9);
  std::fflush(stdout);
}

void MeasureProduct(const Cpu& cpu, ggml_type type, int64_t rows) {
  const int64_t width = 1024;
  const int64_t columns = 4096;
  ggml_context* of_weights = NewContext();
  ggml_context* context = NewContext();
  ggml_tensor* weights = ggml_new_tensor_2d(of_weights, type, width, columns);
  ggml_tensor* activations = ggml_new_tensor_2d(context, GGML_TYPE_F32, width, rows);
  ggml_tensor* product = ggml_mul_mat(context, weights, activations);
  ggml_backend_buffer_t first = ggml_backend_alloc_ctx_tensors_from_buft(of_weights, cpu.BufferFor(product));
  ggml_backend_buffer_t second = ggml_backend_alloc_ctx_tensors(context, cpu.raw());
  Set(weights, Random(width * columns));
  Set(activations, Random(width * rows));
  const double products = static_cast<double>(width * columns) * static_cast<double>(rows);
  Report(ggml_type_name(type), rows, products, cpu.Seconds(context, product));
  ggml_backend_buffer_free(first);
  ggml_backend_buffer_free(second);
  ggml_free(of_weights);
  ggml_free(context);
}

// Fourteen heads that share two heads of keys, 64 wide. `branches` of equal length see `before` cells and their own ones
// up to each token, as in a tree.
void MeasureAttention(const Cpu& cpu, const char* name, int64_t tokens, int64_t before, int64_t branches) {
  const int64_t width = 64;
  const int64_t heads = 14;
  const int64_t shared = 2;
  const int64_t cells = (before + tokens + 255) / 256 * 256;
  ggml_context* context = NewContext();
  ggml_tensor* queries = ggml_new_tensor_3d(context, GGML_TYPE_F32, width, heads, tokens);
  ggml_tensor* keys = ggml_new_tensor_3d(context, GGML_TYPE_F16, width, shared, cells);
  ggml_tensor* values = ggml_new_tensor_3d(context, GGML_TYPE_F16, cells, width, shared);
  ggml_tensor* mask = ggml_new_tensor_2d(context, GGML_TYPE_F32, cells, tokens);
  ggml_tensor* scores =
      ggml_mul_mat(context, ggml_permute(context, keys, 0, 2, 1, 3), ggml_permute(context, queries, 0, 2, 1, 3));
  ggml_tensor* sums = ggml_mul_mat(context, values, ggml_soft_max_ext(context, scores, mask, 0.125F, 0.0F));
  ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors(context, cpu.raw());
  for (ggml_tensor* tensor : {queries, keys, values}) Set(tensor, Random(ggml_nelements(tensor)));
  std::vector<float> visible(cells * tokens, -INFINITY);
  const int64_t length = (tokens + branches - 1) / branches;
  double seen = 0;
  for (int64_t token = 0; token < tokens; ++token) {
    for (int64_t cell = 0; cell <= before + token; ++cell) {
      if (cell >= before && cell < before + token / length * length) continue;
      visible[token * cells + cell] = 0;
      ++seen;
    }
  }
  ggml_backend_tensor_set(mask, visible.data(), 0, visible.size() * sizeof(float));
  Report(name, tokens, 2.0 * width * heads * seen, cpu.Seconds(context, sums));
  ggml_backend_buffer_free(buffer);
  ggml_free(context);
}

}  // namespace

int main(int, char** arguments) {
  const Cpu cpu(std::atoi(arguments[1]));
  for (ggml_type type : {GGML_TYPE_Q8_0, GGML_TYPE_Q6_K, GGML_TYPE_Q5_K, GGML_TYPE_Q4_K, GGML_TYPE_Q3_K, GGML_TYPE_Q2_K,
                         GGML_TYPE_Q5_0, GGML_TYPE_Q5_1, GGML_TYPE_Q4_0, GGML_TYPE_Q4_1}) {
    for (int64_t rows : {512, 64, 16, 4, 2}) MeasureProduct(cpu, type, rows);
  }
  MeasureAttention(cpu, "a prompt", 512, 0, 1);
  MeasureAttention(cpu, "a prompt after 1,024 tokens", 512, 1024, 1);
  MeasureAttention(cpu, "20 branches after 1,024 tokens", 500, 1024, 20);
  MeasureAttention(cpu, "16 branches after 1,024 tokens", 16, 1024, 16);
}
