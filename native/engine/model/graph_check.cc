// See graph_check.h.

#include "engine/model/graph_check.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/common/assertion.h"
#include "engine/common/kernel_types.h"
#include "engine/common/log.h"
#include "engine/model/gguf_file.h"
#include "engine/model/memory.h"
#include "ggml-backend.h"
#include "llama-ext.h"

namespace autocog {

namespace {

// Graphs of one token and of several have different operations in some architectures.
constexpr uint32_t kTokenCounts[] = {2, 1};
// No model has longer embeddings.
constexpr int kMaxLength = 1 << 20;
// What llama.cpp rounds a context's size up to.
constexpr uint32_t kCells = 256;

Status LoadError(const Model& model, const std::string& reason, const std::string& cause = {}) {
  return Status(Code::kModelLoad, "Cannot load " + model.info().path + ": " + reason, cause);
}

bool IsWeight(const ggml_tensor* tensor) {
  return tensor->op == GGML_OP_NONE && tensor->buffer != nullptr &&
         ggml_backend_buffer_get_usage(tensor->buffer) == GGML_BACKEND_BUFFER_USAGE_WEIGHTS;
}

// The weight that gave a tensor its type: other operations than lookups and products keep the type of a source.
const ggml_tensor* WeightOf(const ggml_tensor* tensor, int depth = 0) {
  constexpr int kMaxDepth = 16;
  if (IsWeight(tensor)) return tensor;
  if (depth == kMaxDepth) return nullptr;
  if (tensor->view_src != nullptr) return WeightOf(tensor->view_src, depth + 1);
  for (const ggml_tensor* source : tensor->src) {
    if (source == nullptr || source->type != tensor->type) continue;
    if (const ggml_tensor* weight = WeightOf(source, depth + 1)) return weight;
  }
  return nullptr;
}

// The metadata of which `is_meant` says so, as "key = value", with options.overrides; empty if none is found.
template <typename Predicate>
std::string FindMetadata(const Model& model, const ModelOptions& options, Predicate is_meant) {
  std::string found;
  const auto add = [&](const std::string& key, const std::string& value) {
    if (is_meant(key, value)) found += (found.empty() ? "" : ", ") + key + " = " + value;
  };
  const auto is_overridden = [&](const std::string& key) {
    return std::any_of(options.overrides.begin(), options.overrides.end(),
                       [&](const auto& entry) { return entry.first == key; });
  };
  for (const auto& [key, value] : model.Metadata()) {
    if (!is_overridden(key)) add(key, value);
  }
  for (const auto& [key, value] : options.overrides) add(key, OverrideText(value));
  return found;
}

bool IsBadEpsilon(const std::string& key, const std::string& value) {
  const std::string end = "epsilon";
  if (key.size() < end.size() || key.compare(key.size() - end.size(), end.size(), end) != 0) return false;
  return !(std::strtod(value.c_str(), nullptr) >= 0);
}

bool IsRotation(const std::string& key, const std::string&) {
  return key.find(".rope.dimension_") != std::string::npos;
}

// Whether a tensor of indices has one outside of 0 to rows - 1.
bool HasIndexFrom(const ggml_tensor* tensor, int64_t rows) {
  std::vector<int32_t> values(static_cast<size_t>(ggml_nelements(tensor)));
  if (tensor->type != GGML_TYPE_I32) return true;
  ggml_backend_tensor_get(tensor, values.data(), 0, values.size() * sizeof(int32_t));
  return std::any_of(values.begin(), values.end(), [&](int32_t value) { return value < 0 || value >= rows; });
}

Status CheckNode(const Model& model, const ModelOptions& options, const ggml_tensor* node) {
  if (HasBadEpsilon(node)) {
    const std::string keys = FindMetadata(model, options, IsBadEpsilon);
    return LoadError(model, "the epsilon of a norm is not a number of at least 0: " +
                                (keys.empty() ? std::string("that of ") + node->name : keys));
  }
  if (HasBadRotation(node)) {
    const std::string keys = FindMetadata(model, options, IsRotation);
    return LoadError(
        model, "llama.cpp cannot compute its rotary embedding" + (keys.empty() ? std::string() : ", with " + keys));
  }
  for (int i = 0; i < GGML_MAX_SRC; ++i) {
    if (node->src[i] == nullptr) continue;
    // Other tensors than weights, such as keys and values, have types that the engine chose.
    const bool supported = IsSupported(node, i);
    const int64_t rows = supported ? RowsIndexedBy(node, i) : 0;
    const ggml_tensor* weight = supported && rows == 0 ? nullptr : WeightOf(node->src[i]);
    if (weight == nullptr) continue;
    const std::string what = std::string("its tensor '") + weight->name + "' has ";
    if (!supported) {
      return LoadError(model, what + "the type " + ggml_type_name(weight->type) +
                                  ", with which llama.cpp cannot compute " + ggml_op_desc(node));
    }
    if (HasIndexFrom(weight, rows)) return LoadError(model, what + "an index out of range for " + ggml_op_desc(node));
  }
  return Status::Ok();
}

Status CheckGraph(const Model& model, const ModelOptions& options, ggml_cgraph* graph) {
  for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
    if (Status status = CheckNode(model, options, ggml_graph_node(graph, i)); !status.ok()) return status;
  }
  return Status::Ok();
}

// Whether the graph outputs rows of `width` numbers besides the logits.
bool OutputsRows(ggml_cgraph* graph, int width) {
  for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
    const ggml_tensor* node = ggml_graph_node(graph, i);
    const bool is_output = (node->flags & GGML_TENSOR_FLAG_OUTPUT) != 0;
    if (is_output && std::strcmp(node->name, "result_output") != 0 && node->ne[0] == width) return true;
  }
  return false;
}

Status WrongLength(const Model& model, int width) {
  return LoadError(model, "its embeddings do not have the length of " + model.info().architecture +
                              ".embedding_length_out, " + std::to_string(width));
}

Status CheckContext(const Model& model, const ModelOptions& options, llama_context* context, bool embeds) {
  for (uint32_t tokens : kTokenCounts) {
    ggml_cgraph* graph = llama_graph_reserve(context, tokens, 1, tokens);
    if (graph == nullptr) return Status::Ok();  // no memory: the caller's own context will report it
    if (Status status = CheckGraph(model, options, graph); !status.ok()) return status;
    const int width = llama_model_n_embd_out(model.raw());
    if (embeds && !OutputsRows(graph, width)) return WrongLength(model, width);
  }
  return Status::Ok();
}

// Whether the model says how it embeds, so that it is meant to.
bool IsEmbeddingModel(const Model& model, const ModelOptions& options) {
  const auto is_sign = [&](const std::string& key) {
    const std::string& prefix = model.info().architecture;
    return key == prefix + ".pooling_type" || key == prefix + ".embedding_length_out";
  };
  const auto has_sign = [&](const auto& entries) {
    return std::any_of(entries.begin(), entries.end(), [&](const auto& entry) { return is_sign(entry.first); });
  };
  return has_sign(model.Metadata()) || has_sign(options.overrides);
}

// The pooling of an Embedder's context: rows are pooled by this package, except where a head follows.
enum llama_pooling_type PoolingOf(const Model& model, const ModelOptions& options) {
  const std::string pooling = model.info().architecture + ".pooling_type";
  const std::string rank = std::to_string(LLAMA_POOLING_TYPE_RANK);
  const std::string ranks = FindMetadata(model, options, [&](const std::string& key, const std::string& value) {
    return key == pooling && value == rank;
  });
  return ranks.empty() ? LLAMA_POOLING_TYPE_NONE : LLAMA_POOLING_TYPE_RANK;
}

llama_context_params SmallContext(const Model& model, const ModelOptions& options, bool embeds) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = kCells;
  params.n_batch = params.n_ubatch = params.n_outputs_max = kTokenCounts[0];
  params.n_seq_max = 1;
  params.n_threads = params.n_threads_batch = 1;
  params.kv_unified = true;
  // llama.cpp requires it to split tensors.
  const bool splits_tensors = options.split_mode == LLAMA_SPLIT_MODE_TENSOR;
  params.flash_attn_type = splits_tensors ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.embeddings = embeds;
  if (embeds) params.pooling_type = PoolingOf(model, options);
  params.no_perf = true;
  return params;
}

// Whether llama.cpp's log is about something else than the model: memory that could not be allocated, or the
// context of the larger model that a draft model serves.
bool IsAboutContext(const std::string& log) {
  return ContextRefused(log).code() == Code::kOutOfMemory || log.find("ctx_other") != std::string::npos;
}

// Starts a decode that ends after its first operation: llama.cpp asserts on a graph's inputs when it sets them,
// on this thread, before the graph is computed. Of an encoder-decoder, the encoder computes. The encoders of
// draft models read features instead of tokens: no context of ours computes them.
void SetInputs(const Model& model, llama_context* context) {
  const ModelInfo& info = model.info();
  const bool drafts = info.has_encoder && info.has_decoder && !info.encoder_decoder;
  if (drafts || model.vocabulary().size() < 1) return;
  llama_set_abort_callback(
      context, [](void*) { return true; }, nullptr);
  llama_token tokens[kTokenCounts[0]] = {};
  const llama_batch batch = llama_batch_get_one(tokens, kTokenCounts[0]);
  const bool encodes = llama_get_memory(context) == nullptr || info.encoder_decoder;
  // How these end does not matter.
  static_cast<void>(encodes ? llama_encode(context, batch) : llama_decode(context, batch));
}

// llama.cpp reserves the graph of a decoder only, so that the encoder's is checked when it is computed.
struct EncoderCheck {
  const Model& model;
  const ModelOptions& options;
  Status status;
};

// Is asked before a graph is computed whether it needs the result of each operation, on this thread. Ends the
// computation by an exception at the first operation that fails the check.
bool OnEncoderNode(ggml_tensor* node, bool, void* data) {
  auto* check = static_cast<EncoderCheck*>(data);
  check->status = CheckNode(check->model, check->options, node);
  if (!check->status.ok()) throw std::runtime_error(check->status.message());
  return false;
}

// Where llama.cpp fails to build a graph it does not say for which tensor. One of a type that weights do not have is
// the likely reason.
Status CannotCompute(const Model& model, const std::string& cause) {
  std::string reason = "llama.cpp cannot compute it";
  if (auto file = GgufFile::Open(model.info().path); file.ok()) {
    const auto& tensors = file.value()->tensors();
    const auto odd = std::find_if(tensors.begin(), tensors.end(),
                                  [](const GgufFile::Tensor& tensor) { return !IsWeightType(tensor.type); });
    if (odd != tensors.end()) {
      reason += "; its tensor '" + odd->name + "' has the type " + ggml_type_name(odd->type);
    }
  }
  return LoadError(model, reason, cause);
}

Status CheckSmallContext(const Model& model, const ModelOptions& options, bool embeds) {
  // What it logs is not about a context of the caller's.
  LogCapture log(/*hidden=*/true);
  EncoderCheck check{model, options, Status::Ok()};
  llama_context_params params = SmallContext(model, options, embeds);
  if (model.info().encoder_decoder) {
    params.cb_eval = OnEncoderNode;
    params.cb_eval_user_data = &check;
  }
  const std::unique_ptr<llama_context, decltype(&llama_free)> context(llama_init_from_model(model.raw(), params),
                                                                      llama_free);
  if (context != nullptr) {
    if (Status status = CheckContext(model, options, context.get(), embeds); !status.ok()) return status;
    try {
      SetInputs(model, context.get());
    } catch (const std::exception&) {
      if (check.status.ok()) throw;
    }
    return check.status;
  }
  if (IsAboutContext(log.text())) return Status::Ok();
  return CannotCompute(model, log.text());
}

}  // namespace

Status CheckGraphs(const Model& model, const ModelOptions& options) {
  if (Status status = CheckRowSizes(model); !status.ok()) return status;
  AssertionGuard guard;
  try {
    if (Status status = CheckSmallContext(model, options, false); !status.ok()) return status;
    if (!IsEmbeddingModel(model, options)) return Status::Ok();
    // A context allocates rows of this length.
    const int width = llama_model_n_embd_out(model.raw());
    if (width < 1 || width > kMaxLength) return WrongLength(model, width);
    return CheckSmallContext(model, options, true);
  } catch (const std::bad_alloc&) {
    return Status::Ok();
  } catch (const std::exception& error) {
    return CannotCompute(model, error.what());
  }
}

Status CheckEmbeddingGraphs(const Model& model, llama_context* context) {
  return CheckContext(model, ModelOptions(), context, true);
}

}  // namespace autocog
