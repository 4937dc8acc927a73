// See model.h.

#include "engine/model/model.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>

#include "engine/common/assertion.h"
#include "engine/common/backend.h"
#include "engine/common/backend_files.h"
#include "engine/common/log.h"
#include "engine/model/graph_check.h"
#include "engine/model/memory.h"
#include "engine/model/model_file.h"

namespace autocog {

namespace {

std::string MetadataText(const llama_model* model, int index,
                         int32_t (*read)(const llama_model*, int32_t, char*, size_t)) {
  std::string text(256, '\0');
  int32_t length = read(model, index, text.data(), text.size());
  if (length >= static_cast<int32_t>(text.size())) {
    text.resize(static_cast<size_t>(length) + 1);
    length = read(model, index, text.data(), text.size());
  }
  text.resize(length < 0 ? 0 : static_cast<size_t>(length));
  return text;
}

std::string MetadataValue(const llama_model* model, const std::string& key) {
  char text[256];
  const int32_t length = llama_model_meta_val_str(model, key.c_str(), text, sizeof text);
  return length < 0 ? std::string() : std::string(text);
}

// Counts are unsigned in files; larger ones than an int holds are as good as its maximum.
int ToCount(const std::string& text) {
  constexpr long long kMax = std::numeric_limits<int>::max();
  return static_cast<int>(std::clamp(std::strtoll(text.c_str(), nullptr, 10), 0LL, kMax));
}

int CountOf(int32_t value) { return value < 0 ? std::numeric_limits<int>::max() : value; }

// Converts to llama.cpp's fixed-size entries, terminated by an entry with an empty key.
Result<std::vector<llama_model_kv_override>> ToOverrides(
    const std::vector<std::pair<std::string, ModelOptions::Override>>& overrides) {
  std::vector<llama_model_kv_override> entries;
  for (const auto& [key, value] : overrides) {
    llama_model_kv_override entry = {};
    if (key.empty() || key.size() >= sizeof entry.key) {
      return Status(Code::kOutOfRange, "Expected a metadata key of 1 to 127 bytes, got " + key);
    }
    std::memcpy(entry.key, key.data(), key.size());
    if (const auto* text = std::get_if<std::string>(&value)) {
      if (text->size() >= sizeof entry.val_str) {
        return Status(Code::kOutOfRange, "Expected at most 127 bytes for the metadata override of " + key);
      }
      entry.tag = LLAMA_KV_OVERRIDE_TYPE_STR;
      std::memcpy(entry.val_str, text->data(), text->size());
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      entry.tag = LLAMA_KV_OVERRIDE_TYPE_BOOL;
      entry.val_bool = *flag;
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      entry.tag = LLAMA_KV_OVERRIDE_TYPE_INT;
      entry.val_i64 = *integer;
    } else {
      entry.tag = LLAMA_KV_OVERRIDE_TYPE_FLOAT;
      entry.val_f64 = std::get<double>(value);
    }
    entries.push_back(entry);
  }
  entries.push_back({});
  return entries;
}

Result<std::vector<ggml_backend_dev_t>> ToDevices(const ModelOptions& options, const RpcServers& servers) {
  std::vector<ggml_backend_dev_t> devices = servers.Devices();
  for (const std::string& name : options.devices) {
    auto device = FindDevice(name);
    if (!device.ok()) return device.status();
    devices.push_back(device.value());
  }
  // Devices without layers would still compute the products of large batches.
  if (options.gpu_layers == 0) return std::vector<ggml_backend_dev_t>{nullptr};
  if (!devices.empty()) devices.push_back(nullptr);
  return devices;
}

llama_load_mode ToLoadMode(bool mmap, bool mlock) {
  if (mmap) return mlock ? LLAMA_LOAD_MODE_MMAP_MLOCK : LLAMA_LOAD_MODE_MMAP;
  return mlock ? LLAMA_LOAD_MODE_MLOCK : LLAMA_LOAD_MODE_NONE;
}

// The number of layers that llama.cpp offloads: a negative option means all, plus one for the output.
int GpuLayers(const ModelOptions& options, const ModelInfo& info) {
  if (info.vocab_only || !llama_supports_gpu_offload()) return 0;
  bool found = !options.rpc_servers.empty();
  for (const Device& device : Devices()) {
    const bool gpu = device.type == "gpu" || device.type == "igpu";
    const auto& requested = options.devices;
    found |= gpu && (requested.empty() || std::count(requested.begin(), requested.end(), device.name) > 0);
  }
  const int all = found ? info.layers + 1 : 0;
  return options.gpu_layers < 0 ? all : std::min(options.gpu_layers, all);
}

// llama.cpp ignores an override of another type than it reads, and reports that in its log alone.
Status CheckOverrides(const std::string& log) {
  static const std::string kComplaint = "Bad metadata override type for key ";
  const size_t start = log.find(kComplaint);
  if (start == std::string::npos) return Status::Ok();
  const size_t end = log.find('\n', start);
  const std::string rest = log.substr(start + kComplaint.size(), end - start - kComplaint.size());
  return Status(Code::kInvalidArgument, "Expected a metadata override of the type that llama.cpp reads for " + rest);
}

// llama.cpp ignores an override with an id outside the vocabulary.
Status CheckTokenOverrides(const ModelOptions& options, const Vocabulary& vocabulary) {
  constexpr const char* kStart = "tokenizer.ggml.";
  constexpr const char* kEnd = "_token_id";
  for (const auto& [key, value] : options.overrides) {
    const auto* id = std::get_if<int64_t>(&value);
    const bool is_token = key.rfind(kStart, 0) == 0 && key.size() > std::strlen(kEnd) &&
                          key.compare(key.size() - std::strlen(kEnd), std::string::npos, kEnd) == 0;
    if (id == nullptr || !is_token || (*id >= 0 && *id < vocabulary.size())) continue;
    return Status(Code::kOutOfRange, "Expected a token id from 0 to " + std::to_string(vocabulary.size() - 1) +
                                         " for metadataOverrides['" + key + "'], got " + std::to_string(*id));
  }
  return Status::Ok();
}

struct Progress {
  const std::function<void(float)>& report;
  const RpcServers& servers;
  const Cancellation& cancellation;
};

bool OnProgress(float fraction, void* data) {
  const auto* progress = static_cast<const Progress*>(data);
  if (progress->report) progress->report(fraction);
  return !progress->cancellation.requested() && progress->servers.Check(Code::kModelLoad).ok();
}

}  // namespace

std::string OverrideText(const ModelOptions::Override& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", std::get<double>(value));
  return text;
}

Result<std::shared_ptr<Model>> Model::Load(const std::string& path, const ModelOptions& options,
                                           const std::function<void(float)>& progress,
                                           const Cancellation& cancellation) {
  if (cancellation.requested()) return cancellation.status();
  InstallBackend();
  if (Status status = CheckCpuBackend(); !status.ok()) return status;
  if (Status status = CheckModelFile(path); !status.ok()) return status;
  auto servers = RpcServers::Connect(options.rpc_servers);
  if (!servers.ok()) return servers.status();
  auto model = LoadOver(servers.value(), path, options, progress, cancellation);
  // What llama.cpp reports of a lost server, if anything, is misleading.
  if (Status status = servers.value()->Ping(Code::kModelLoad); !status.ok()) return status;
  return model;
}

Result<std::shared_ptr<Model>> Model::LoadOver(const std::shared_ptr<RpcServers>& servers, const std::string& path,
                                               const ModelOptions& options, const std::function<void(float)>& progress,
                                               const Cancellation& cancellation) {
  auto overrides = ToOverrides(options.overrides);
  if (!overrides.ok()) return overrides.status();
  auto devices = ToDevices(options, *servers);
  if (!devices.ok()) return devices.status();
  if (options.tensor_split.size() > llama_max_devices()) {
    return Status(Code::kOutOfRange,
                  "Expected at most " + std::to_string(llama_max_devices()) + " entries of tensorSplit");
  }
  std::vector<float> tensor_split = options.tensor_split;
  tensor_split.resize(llama_max_devices(), 0.0f);

  Progress state{progress, *servers, cancellation};
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = options.gpu_layers;
  params.devices = devices.value().empty() ? nullptr : devices.value().data();
  params.split_mode = options.split_mode;
  params.main_gpu = options.main_gpu;
  params.tensor_split = options.tensor_split.empty() ? nullptr : tensor_split.data();
  params.load_mode = ToLoadMode(options.mmap, options.mlock);
  params.vocab_only = options.vocab_only;
  params.check_tensors = options.check_tensors;
  params.kv_overrides = overrides.value().data();
  params.progress_callback = OnProgress;
  params.progress_callback_user_data = &state;

  LogCapture log;
  AssertionGuard guard;
  try {
    llama_model* model = llama_model_load_from_file(path.c_str(), params);
    if (model != nullptr) {
      const std::shared_ptr<Model> loaded(new Model(model, servers, path, options));
      if (Status status = CheckOverrides(log.text()); !status.ok()) return status;
      if (Status status = CheckTokenOverrides(options, loaded->vocabulary()); !status.ok()) return status;
      if (options.vocab_only) return loaded;
      if (Status status = CheckGraphs(*loaded, options); !status.ok()) return status;
      return loaded;
    }
    if (cancellation.requested()) return cancellation.status();
    return Status(Code::kModelLoad, "Cannot load " + path + ": llama.cpp refuses it", log.text());
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Cannot load " + path + ": not enough memory", log.text());
  } catch (const std::exception& error) {
    return Status(Code::kModelLoad, "Cannot load " + path + ": llama.cpp refuses it", error.what());
  }
}

namespace {

// The value of a metadata key, or of its override.
std::string EffectiveValue(const llama_model* model, const ModelOptions& options, const std::string& key) {
  for (const auto& [name, value] : options.overrides) {
    if (name == key) return OverrideText(value);
  }
  return MetadataValue(model, key);
}

// The pattern of this pre-tokenizer looks ahead to the end of a run of digits from each of them.
constexpr const char* kLooksAheadInDigits = "superbpe";
// They take about a second.
constexpr size_t kMaxDigits = 4096;

}  // namespace

Model::Model(llama_model* model, std::shared_ptr<RpcServers> servers, const std::string& path,
             const ModelOptions& options)
    : servers_(std::move(servers)), model_(model), vocabulary_(llama_model_get_vocab(model)) {
  if (EffectiveValue(model, options, "tokenizer.ggml.pre") == kLooksAheadInDigits) {
    vocabulary_.LimitDigits(kMaxDigits);
  }
  ReadInfo(path, options);
  ReadRope(options);
  ReadDecoder(options);
  info_.gpu_layers = GpuLayers(options, info_);
}

Model::~Model() {
  llama_model_free(model_);
  ReturnFreedMemory();
}

// llama.cpp has no getters for them. A file names them only where they differ from width / heads.
std::vector<int> Model::ReadHeadSizes(const ModelOptions& options, const std::string& key) const {
  const std::string prefix = info_.architecture + ".attention." + key;
  int size = ToCount(EffectiveValue(model_, options, prefix));
  if (size <= 0 && info_.heads > 0) size = info_.embedding_size / info_.heads;
  if (size <= 0) return {};
  const int sliding = ToCount(EffectiveValue(model_, options, prefix + "_swa"));
  return sliding > 0 && sliding != size ? std::vector<int>{size, sliding} : std::vector<int>{size};
}

void Model::ReadInfo(const std::string& path, const ModelOptions& options) {
  char description[256] = {};
  llama_model_desc(model_, description, sizeof description);
  info_.path = path;
  info_.description = description;
  info_.architecture = MetadataValue(model_, "general.architecture");
  info_.parameters = llama_model_n_params(model_);
  info_.size_bytes = llama_model_size(model_);
  info_.vocab_only = options.vocab_only;
  if (options.vocab_only) {
    // llama.cpp does not load the hyperparameters then, and its getters would fail an assertion.
    const std::string& prefix = info_.architecture;
    info_.train_context_size = ToCount(EffectiveValue(model_, options, prefix + ".context_length"));
    info_.layers = ToCount(EffectiveValue(model_, options, prefix + ".block_count"));
    info_.embedding_size = ToCount(EffectiveValue(model_, options, prefix + ".embedding_length"));
    info_.heads = ToCount(EffectiveValue(model_, options, prefix + ".attention.head_count"));
    info_.heads_kv = ToCount(EffectiveValue(model_, options, prefix + ".attention.head_count_kv"));
  } else {
    info_.train_context_size = CountOf(llama_model_n_ctx_train(model_));
    info_.layers = llama_model_n_layer(model_);
    info_.embedding_size = llama_model_n_embd(model_);
    if (info_.layers > 0) {
      info_.heads = llama_model_n_head(model_);
      info_.heads_kv = llama_model_n_head_kv(model_);
    }
    info_.sliding_window = llama_model_n_swa(model_);
    info_.head_sizes_k = ReadHeadSizes(options, "key_length");
    info_.head_sizes_v = ReadHeadSizes(options, "value_length");
    info_.has_encoder = llama_model_has_encoder(model_);
    info_.has_decoder = llama_model_has_decoder(model_);
    info_.recurrent = llama_model_is_recurrent(model_);
    info_.hybrid = llama_model_is_hybrid(model_);
    info_.diffusion = llama_model_is_diffusion(model_);
    info_.causal = EffectiveValue(model_, options, info_.architecture + ".attention.causal") != "false";
  }
  const char* chat_template = llama_model_chat_template(model_, nullptr);
  info_.has_chat_template = chat_template != nullptr;
  if (chat_template != nullptr) info_.chat_template = chat_template;
}

// llama.cpp has getters for the RoPE type and scale of a loaded model, but not for the frequency base.
void Model::ReadRope(const ModelOptions& options) {
  const std::string prefix = info_.architecture + ".rope.";
  const auto text = [&](const std::string& key) { return EffectiveValue(model_, options, key); };
  const std::string base = text(prefix + "freq_base");
  // llama.cpp's defaults, if the file has no value.
  info_.rope_frequency_base = base.empty() ? 10000.0f : std::strtof(base.c_str(), nullptr);
  const std::string scaling = text(prefix + "scaling.type");
  info_.rope_scaling = scaling.empty() ? "linear" : scaling;
  info_.has_rope = llama_model_rope_type(model_) != LLAMA_ROPE_TYPE_NONE;
  if (!info_.vocab_only) {
    info_.rope_frequency_scale = llama_model_rope_freq_scale_train(model_);
    return;
  }
  std::string factor = text(prefix + "scaling.factor");
  if (factor.empty()) factor = text(prefix + "scale_linear");
  const float value = std::strtof(factor.c_str(), nullptr);
  info_.rope_frequency_scale = value == 0 ? 1.0f : 1.0f / value;
}

// llama.cpp connects a decoder with its encoder for this architecture alone.
void Model::ReadDecoder(const ModelOptions& options) {
  info_.encoder_decoder = info_.architecture == "t5";
  if (!info_.encoder_decoder) return;
  const std::string declared = EffectiveValue(model_, options, info_.architecture + ".decoder_start_token_id");
  const int start = declared.empty() ? -1 : static_cast<int>(std::strtol(declared.c_str(), nullptr, 10));
  // Without a start token in the file, T5's convention: that of padding, which is 0.
  info_.decoder_start = start >= 0 ? start : std::max(llama_vocab_pad(vocabulary_.raw()), 0);
}

std::vector<std::pair<std::string, std::string>> Model::Metadata() const {
  std::vector<std::pair<std::string, std::string>> metadata;
  const int32_t count = llama_model_meta_count(model_);
  metadata.reserve(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) {
    metadata.emplace_back(MetadataText(model_, i, llama_model_meta_key_by_index),
                          MetadataText(model_, i, llama_model_meta_val_str_by_index));
  }
  return metadata;
}

}  // namespace autocog
