// Writes tiny models with random weights, one for each architecture that llama.cpp can configure.
// It is llama.cpp's own test-llama-archs with a different main function, because the original skips
// the architectures that its other tests cannot handle.
//
//   write-model            prints the model names, one per line
//   write-model NAME FILE  writes the named model

#define main upstream_main
#include "test-llama-archs.cpp"
#undef main

#include "../src/llama-model.h"

namespace {

constexpr size_t kSeed = 1;
// Large enough that attending to a wrong token changes values by about 1000 times the rounding error.
constexpr float kStandardDeviation = 0.3f;

// False for architectures that llama.cpp cannot load or cannot create in memory.
bool IsSupported(llm_arch arch) {
  switch (arch) {
    case LLM_ARCH_CLIP:              // loads only together with another model
    case LLM_ARCH_GEMMA4_ASSISTANT:  // some of its optional tensors have no shape
    case LLM_ARCH_GPTJ:              // a name without an implementation
    case LLM_ARCH_UNKNOWN:
      return false;
    default:
      return true;
  }
}

bool HasDense(llm_arch arch) {
  return !moe_mandatory(arch) && arch != LLM_ARCH_DEEPSEEK2OCR && arch != LLM_ARCH_NOMIC_BERT_MOE;
}

struct Kind {
  llm_arch arch;
  bool experts;
  bool causal;

  std::string Name() const {
    return std::string(llm_arch_name(arch)) + (causal ? (experts ? "-moe" : "-dense") : "-bidirectional");
  }
};

std::vector<Kind> AllKinds() {
  std::vector<Kind> kinds;
  for (llm_arch arch : llm_arch_all()) {
    if (!IsSupported(arch)) continue;
    if (HasDense(arch)) kinds.push_back({arch, false, true});
    if (!HasDense(arch) || moe_implemented(arch)) kinds.push_back({arch, true, true});
  }
  // Any architecture may have bidirectional attention; one of them is enough.
  kinds.push_back({LLM_ARCH_LLAMA, false, false});
  return kinds;
}

class Config {
 public:
  explicit Config(const Kind& kind)
      : prefix_(std::string(llm_arch_name(kind.arch)) + "."), gguf_(get_gguf_ctx(kind.arch, kind.experts)) {
    if (!kind.causal) gguf_set_val_bool(raw(), (prefix_ + "attention.causal").c_str(), false);
  }

  gguf_context* raw() const { return gguf_.get(); }
  void Set(const std::string& name, uint32_t value) { gguf_set_val_u32(raw(), (prefix_ + name).c_str(), value); }
  void Set(const std::string& name, const std::vector<int32_t>& values) {
    gguf_set_arr_data(raw(), (prefix_ + name).c_str(), GGUF_TYPE_INT32, values.data(), values.size());
  }

 private:
  std::string prefix_;
  gguf_context_ptr gguf_;
};

// Adds the settings that llama.cpp's test lacks because it skips these architectures.
void AddMissingSettings(llm_arch arch, Config* config) {
  switch (arch) {
    case LLM_ARCH_BERT:
    case LLM_ARCH_NOMIC_BERT:
    case LLM_ARCH_NOMIC_BERT_MOE:
    case LLM_ARCH_JINA_BERT_V2:
    case LLM_ARCH_JINA_BERT_V3:
      gguf_set_val_u32(config->raw(), "tokenizer.ggml.token_type_count", 2);
      config->Set("moe_every_n_layers", 2);
      break;
    case LLM_ARCH_RWKV6QWEN2:
      config->Set("token_shift_count", 1);
      break;
    case LLM_ARCH_ARWKV7:
      config->Set("token_shift_count", 1);
      [[fallthrough]];
    case LLM_ARCH_RWKV7:
      for (const char* name : {"decay", "iclr", "value_residual_mix", "gate"}) {
        config->Set(std::string("attention.") + name + "_lora_rank", 32);
      }
      break;
    case LLM_ARCH_GRANITE_SWITCH:
      config->Set("adapters.count", 2);
      config->Set("adapters.lora_rank", 8);
      config->Set("adapters.token_ids_activate", {3, 5});
      config->Set("adapters.token_ids_substitute", {7, 9});
      break;
    case LLM_ARCH_DFLASH:
      config->Set("target_layers", {0, 1, 1});
      config->Set("attention.sliding_window_pattern", {1, 0});
      break;
    case LLM_ARCH_EAGLE3:
      config->Set("block_count", 1);
      config->Set("target_layers", {0, 1, 1});
      config->Set("target_hidden_size", 256);
      break;
    case LLM_ARCH_GEMMA4:
      config->Set("attention.sliding_window_pattern", {1, 1, 1, 1, 0});
      break;
    default:
      break;
  }
}

// Whether a tensor is optional and absent from files of this architecture, whose graph it would change.
bool IsAbsent(llm_arch arch, const std::string& name) {
  return arch == LLM_ARCH_RWKV6QWEN2 && name.find("time_mix_first") != std::string::npos;
}

void Write(const Kind& kind, const std::string& path) {
  Config config(kind);
  AddMissingSettings(kind.arch, &config);
  tensor_data_params weights = {kSeed, kStandardDeviation};
  llama_model_params params = llama_model_default_params();
  llama_model_ptr model(llama_model_init_from_user(config.raw(), set_tensor_data, &weights, params));
  if (!model) throw std::runtime_error("llama.cpp cannot create a model with this configuration");
  gguf_context_ptr file(gguf_init_empty());
  gguf_set_kv(file.get(), config.raw());
  for (const auto& [name, tensor] : model->tensors_by_name) {
    if (IsAbsent(kind.arch, name)) continue;
    // Some tensors are listed twice.
    if (gguf_find_tensor(file.get(), tensor->name) < 0) gguf_add_tensor(file.get(), tensor);
  }
  if (!gguf_write_to_file(file.get(), path.c_str(), false)) throw std::runtime_error("cannot write " + path);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    for (const Kind& kind : AllKinds()) {
      if (argc < 3) {
        printf("%s\n", kind.Name().c_str());
      } else if (kind.Name() == argv[1]) {
        Write(kind, argv[2]);
        return 0;
      }
    }
    if (argc < 3) return 0;
    throw std::runtime_error(std::string("unknown model ") + argv[1]);
  } catch (const std::exception& error) {
    fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
