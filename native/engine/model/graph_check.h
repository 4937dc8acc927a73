// Checks that llama.cpp can compute a model before the first decode: it builds the model's graphs, and
// looks up for each operation whether its kernel computes these types and parameters (kernel_types.h).
// Whatever the architecture, the graph has every tensor in the place where it is used.

#ifndef AUTOCOG_ENGINE_MODEL_GRAPH_CHECK_H_
#define AUTOCOG_ENGINE_MODEL_GRAPH_CHECK_H_

#include "engine/common/status.h"
#include "engine/model/model.h"
#include "llama.h"

namespace autocog {

// kModelLoad, with the name of the tensor or of the metadata key, if a graph of a small context would fail
// in a decode. Creates that context: a few milliseconds. REQUIRES: nothing else uses the model yet.
Status CheckGraphs(const Model& model, const ModelOptions& options);

// The same for the graphs of an existing context that outputs embeddings.
Status CheckEmbeddingGraphs(const Model& model, llama_context* context);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_GRAPH_CHECK_H_
