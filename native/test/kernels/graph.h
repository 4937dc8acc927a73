// A graph of ggml on the CPU backend that is in use.

#ifndef AUTOCOG_TEST_KERNELS_GRAPH_H_
#define AUTOCOG_TEST_KERNELS_GRAPH_H_

#include <memory>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"

namespace autocog::test {

class Graph {
 public:
  Graph();
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // For new tensors, which have no memory before Allocate.
  ggml_context* context() const { return context_; }
  void Allocate();
  // Before Allocate: gives a tensor a place in the buffer in which the backend repacks weights, if it has one.
  bool AllocateRepacked(ggml_tensor* tensor);
  // The bytes of a tensor that the others lead to, and the values of one in F32.
  std::vector<char> ComputeBytes(ggml_tensor* result, int threads);
  std::vector<float> Compute(ggml_tensor* result, int threads);

 private:
  ggml_backend_t backend_;
  ggml_context* context_;
  ggml_backend_buffer_t buffer_ = nullptr;
  ggml_backend_buffer_t repacked_ = nullptr;
};

}  // namespace autocog::test

#endif  // AUTOCOG_TEST_KERNELS_GRAPH_H_
