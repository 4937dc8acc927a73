// See adapter.h.

#include "engine/model/adapter.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <mutex>

#include "engine/common/assertion.h"
#include "engine/common/log.h"
#include "engine/model/gguf_file.h"

namespace autocog {

namespace {

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

Status LoadError(const std::string& path, const std::string& reason) {
  return Status(Code::kModelLoad, "Cannot load " + path + ": " + reason);
}

std::string MetadataText(const llama_adapter_lora* adapter, int index,
                         int32_t (*read)(const llama_adapter_lora*, int32_t, char*, size_t)) {
  std::string text(256, '\0');
  int32_t length = read(adapter, index, text.data(), text.size());
  if (length >= static_cast<int32_t>(text.size())) {
    text.resize(static_cast<size_t>(length) + 1);
    length = read(adapter, index, text.data(), text.size());
  }
  text.resize(length < 0 ? 0 : static_cast<size_t>(length));
  return text;
}

// Checks that the file is a LoRA adapter for this architecture.
Status CheckKind(const GgufFile& file, const ModelInfo& model) {
  const std::string type = file.Text("general.type");
  if (type != "adapter") {
    return LoadError(file.path(), "it is not an adapter; its general.type is '" + type + "'");
  }
  const std::string kind = file.Text("adapter.type");
  if (kind != "lora") return LoadError(file.path(), "it is an adapter of type '" + kind + "', not a LoRA");
  const std::string architecture = file.Text("general.architecture");
  if (architecture != model.architecture) {
    return LoadError(file.path(), "it is for the architecture '" + architecture + "', but this model is a '" +
                                      model.architecture + "'");
  }
  if (model.vocab_only) return LoadError(file.path(), "the model was loaded with vocabOnly, so it has no weights");
  if (file.Has("adapter.alora.invocation_tokens")) {
    return Status(Code::kNotSupported,
                  "Cannot use " + file.path() + ": it is an activated LoRA, which applies only after certain tokens");
  }
  return Status::Ok();
}

// llama.cpp checks only the first two dimensions and not the type: other mismatches would abort the
// process or write out of bounds in a decode.
Status CheckTensor(const GgufFile& file, const GgufFile::Tensor& tensor, int64_t experts) {
  constexpr ggml_type kTypes[] = {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0};
  if (std::find(std::begin(kTypes), std::end(kTypes), tensor.type) == std::end(kTypes)) {
    return LoadError(file.path(), "its tensor '" + tensor.name + "' has the type " + ggml_type_name(tensor.type) +
                                      ", not f32, f16, bf16 or q8_0");
  }
  const int64_t layers = tensor.name.find("exps") == std::string::npos ? 1 : experts;
  const auto& shape = tensor.shape;
  if (shape[0] < 1 || shape[1] < 1 || shape[2] != layers || shape[3] != 1) {
    return LoadError(file.path(), "its tensor '" + tensor.name + "' has the shape " + std::to_string(shape[0]) + " × " +
                                      std::to_string(shape[1]) + " × " + std::to_string(shape[2]) + " × " +
                                      std::to_string(shape[3]) + ", but this model has no such weight");
  }
  return Status::Ok();
}

int64_t CountExperts(const Model& model) {
  const std::string key = model.info().architecture + ".expert_count";
  for (const auto& [name, value] : model.Metadata()) {
    if (name == key) return std::strtoll(value.c_str(), nullptr, 10);
  }
  return 1;
}

}  // namespace

Result<std::shared_ptr<Adapter>> Adapter::Load(std::shared_ptr<Model> model, const std::string& path) {
  if (Status status = model->CheckServers(); !status.ok()) return status;
  auto opened = GgufFile::Open(path);
  if (!opened.ok()) return opened.status();
  const GgufFile& file = *opened.value();
  if (Status status = CheckKind(file, model->info()); !status.ok()) return status;
  const int64_t experts = CountExperts(*model);
  std::vector<std::string> ignored;
  for (const GgufFile::Tensor& tensor : file.tensors()) {
    const bool is_lora = EndsWith(tensor.name, ".lora_a") || EndsWith(tensor.name, ".lora_b");
    if (!is_lora) ignored.push_back(tensor.name);
    if (!is_lora) continue;
    if (Status status = CheckTensor(file, tensor, experts); !status.ok()) return status;
  }
  if (ignored.size() == file.tensors().size()) return LoadError(path, "it has no LoRA tensors");
  auto digest = file.Digest();
  if (!digest.ok()) return digest.status();

  LogCapture log;
  AssertionGuard guard;
  try {
    // llama.cpp keeps a list of adapters in the model, without a lock.
    const std::lock_guard<std::mutex> lock(model->mutex());
    llama_adapter_lora* adapter = llama_adapter_lora_init(model->raw(), path.c_str());
    if (Status status = model->CheckServers(); !status.ok()) {
      if (adapter != nullptr) llama_adapter_lora_free(adapter);
      return status;
    }
    if (adapter != nullptr) {
      return std::shared_ptr<Adapter>(new Adapter(model, adapter, digest.value(), std::move(ignored)));
    }
    return Status(Code::kModelLoad, "Cannot load " + path + ": llama.cpp refuses it for this model", log.text());
  } catch (const std::exception& error) {
    return Status(Code::kModelLoad, "Cannot load " + path + ": llama.cpp refuses it for this model", error.what());
  }
}

Adapter::Adapter(std::shared_ptr<Model> model, llama_adapter_lora* adapter, uint64_t digest,
                 std::vector<std::string> ignored)
    : model_(std::move(model)), adapter_(adapter), digest_(digest), ignored_(std::move(ignored)) {}

Adapter::~Adapter() {
  const std::lock_guard<std::mutex> lock(model_->mutex());
  llama_adapter_lora_free(adapter_);
}

std::vector<std::pair<std::string, std::string>> Adapter::Metadata() const {
  std::vector<std::pair<std::string, std::string>> metadata;
  for (int32_t i = 0; i < llama_adapter_meta_count(adapter_); ++i) {
    metadata.emplace_back(MetadataText(adapter_, i, llama_adapter_meta_key_by_index),
                          MetadataText(adapter_, i, llama_adapter_meta_val_str_by_index));
  }
  return metadata;
}

}  // namespace autocog
