// See memory.h.

#include "engine/model/memory.h"

#include <algorithm>
#include <string>
#include <vector>

#include "engine/common/backend.h"
#include "engine/common/log.h"
#include "engine/common/memory_limit.h"
#include "engine/model/gguf_file.h"
#include "engine/model/model.h"
#include "llama-ext.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace autocog {

namespace {

// Estimated metadata per cell in llama.cpp: position, sequences, bookkeeping.
constexpr double kCellBytes = 64;

double BytesPerElement(ggml_type type) {
  return static_cast<double>(ggml_type_size(type)) / static_cast<double>(ggml_blck_size(type));
}

std::string Gibibytes(double bytes) { return std::to_string(static_cast<long long>(bytes / (1LL << 30)) + 1) + " GiB"; }

Status TooLarge(int cells, double needed, bool limited) {
  const std::string context = "A context of " + std::to_string(cells) + " tokens needs about ";
  if (!limited) return Status(Code::kOutOfMemory, context + Gibibytes(needed) + ", more than this machine has");
  const auto mebibytes = static_cast<long long>(needed / (1LL << 20)) + 1;
  return Status(Code::kOutOfMemory, context + std::to_string(mebibytes) +
                                        " MiB, more than the memory limit of this process (its control group) leaves");
}

// The cache and the buffers for decoding that a context has in the memory of this machine, not of a GPU.
size_t HostBytes(const llama_context* context) {
  size_t bytes = 0;
  for (const auto& [type, breakdown] : llama_get_memory_breakdown(context)) {
    if (ggml_backend_buft_is_host(type)) bytes += breakdown.context + breakdown.compute;
  }
  return bytes;
}

// The largest number of heads that have keys in a layer. llama.cpp tells that of the first layer only, and reads no
// list for its metadata.
double MostHeads(const Model& model) {
  const std::string all = model.info().architecture + ".attention.head_count";
  const std::string key = all + "_kv";
  double heads = std::max(1, model.info().heads_kv);
  const auto metadata = model.Metadata();
  const auto is_key = [&](const auto& entry) { return entry.first == key; };
  if (std::any_of(metadata.begin(), metadata.end(), is_key)) return heads;
  auto file = GgufFile::Open(model.info().path);
  if (!file.ok()) return heads;
  const GgufFile& own = *file.value();
  return std::max(heads, own.Largest(own.Has(key.c_str()) ? key.c_str() : all.c_str()));
}

}  // namespace

double CacheBytes(const ModelInfo& info, int cells, ggml_type type_k, ggml_type type_v) {
  const double width = info.heads > 0 ? static_cast<double>(info.embedding_size) / info.heads * info.heads_kv : 0;
  return cells * (kCellBytes + info.layers * width * (BytesPerElement(type_k) + BytesPerElement(type_v)));
}

Status CheckCacheFits(const ModelInfo& info, int cells, ggml_type type_k, ggml_type type_v, size_t states) {
  const double needed = CacheBytes(info, cells, type_k, type_v) + static_cast<double>(states);
  const auto limit = FreeUnderMemoryLimit();
  double memory = 0;
  bool limited = false;
  for (const Device& device : Devices()) {
    double own = static_cast<double>(device.memory_total);
    if (device.type == "cpu" && limit && static_cast<double>(*limit) < own) {
      own = static_cast<double>(*limit);
      limited = true;
    }
    memory += own;
  }
  if ((memory == 0 && !limited) || needed <= memory) return Status::Ok();
  return TooLarge(cells, needed, limited);
}

Status CheckRowSizes(const Model& model) {
  // Some layers may have no keys of their own.
  constexpr double kSlack = 4;
  const ModelInfo& info = model.info();
  double size = 0;
  for (const std::vector<int>* each : {&info.head_sizes_k, &info.head_sizes_v}) {
    if (!each->empty()) size += *std::max_element(each->begin(), each->end());
  }
  size *= MostHeads(model);
  if (size * info.layers * info.embedding_size <= kSlack * static_cast<double>(info.parameters)) return Status::Ok();
  return Status(Code::kModelLoad, "Cannot load " + info.path +
                                      ": it has too few weights for keys and values of the length of its "
                                      "attention.key_length, value_length and head_count_kv");
}

Status CheckContextFits(llama_context* context, std::optional<uint64_t> limit) {
  if (!limit) return Status::Ok();
  const double needed = static_cast<double>(HostBytes(context));
  if (needed <= static_cast<double>(*limit)) return Status::Ok();
  return TooLarge(static_cast<int>(llama_n_ctx(context)), needed, true);
}

Status ContextRefused(const std::string& log) {
  for (const char* text : {"failed to allocate", "failed to reserve", "bad_alloc", "mem_buffer", "larger than max_size",
                           "insufficient memory"}) {
    if (log.find(text) != std::string::npos)
      return Status(Code::kOutOfMemory, "Not enough memory for the context", log);
  }
  return Status(Code::kInvalidArgument, "llama.cpp rejects these context options", log);
}

Result<llama_context*> NewContext(const Model& model, const llama_context_params& params) {
  if (Status status = model.CheckServers(); !status.ok()) return status;
  const auto limit = FreeUnderMemoryLimit();
  LogCapture log;
  llama_context* context = llama_init_from_model(model.raw(), params);
  if (Status status = model.CheckServers(); !status.ok()) {
    llama_free(context);
    return status;
  }
  if (context == nullptr) return ContextRefused(log.text());
  if (Status fits = CheckContextFits(context, limit); !fits.ok()) {
    llama_free(context);
    return fits;
  }
  return context;
}

void ReturnFreedMemory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

}  // namespace autocog
