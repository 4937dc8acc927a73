// See options.h.

#include "addon/values/options.h"

#include <string>

#include "addon/values/values.h"

namespace autocog {

namespace {

llama_split_mode ToSplitMode(const std::string& name) {
  if (name == "none") return LLAMA_SPLIT_MODE_NONE;
  if (name == "row") return LLAMA_SPLIT_MODE_ROW;
  return LLAMA_SPLIT_MODE_LAYER;
}

llama_flash_attn_type ToFlashAttention(const std::string& name) {
  if (name == "on") return LLAMA_FLASH_ATTN_TYPE_ENABLED;
  if (name == "auto") return LLAMA_FLASH_ATTN_TYPE_AUTO;
  return LLAMA_FLASH_ATTN_TYPE_DISABLED;
}

llama_rope_scaling_type ToRopeScaling(const std::string& name) {
  if (name == "none") return LLAMA_ROPE_SCALING_TYPE_NONE;
  if (name == "linear") return LLAMA_ROPE_SCALING_TYPE_LINEAR;
  if (name == "yarn") return LLAMA_ROPE_SCALING_TYPE_YARN;
  if (name == "longrope") return LLAMA_ROPE_SCALING_TYPE_LONGROPE;
  return LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED;
}

void RejectOverrides(Napi::Env env) {
  if (env.IsExceptionPending()) return;
  Napi::TypeError::New(env, "Native call: expected a value for each override").ThrowAsJavaScriptException();
}

void ReadOverrides(const Napi::Object& object, ModelOptions* options) {
  const std::vector<std::string> keys = StringsField(object, "overrideKeys");
  Napi::Value raw = object.Get("overrideValues");
  if (!raw.IsArray() || raw.As<Napi::Array>().Length() != keys.size()) {
    return RejectOverrides(object.Env());
  }
  auto values = raw.As<Napi::Array>();
  for (uint32_t i = 0; i < keys.size(); ++i) {
    Napi::Value value = values[i];
    ModelOptions::Override entry = false;
    if (value.IsString()) {
      entry = value.As<Napi::String>().Utf8Value();
    } else if (value.IsBigInt()) {
      bool lossless = true;
      entry = value.As<Napi::BigInt>().Int64Value(&lossless);
    } else if (value.IsNumber()) {
      entry = value.As<Napi::Number>().DoubleValue();
    } else if (value.IsBoolean()) {
      entry = value.As<Napi::Boolean>().Value();
    } else {
      return RejectOverrides(object.Env());
    }
    options->overrides.emplace_back(keys[i], std::move(entry));
  }
}

}  // namespace

ModelOptions ReadModelOptions(const Napi::Object& object) {
  ModelOptions options;
  options.gpu_layers = IntField(object, "gpuLayers");
  options.devices = StringsField(object, "devices");
  options.split_mode = ToSplitMode(StringField(object, "splitMode"));
  options.main_gpu = IntField(object, "mainGpu");
  Napi::Value split = object.Get("tensorSplit");
  if (split.IsTypedArray() && split.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array) {
    auto array = split.As<Napi::Float32Array>();
    options.tensor_split.assign(array.Data(), array.Data() + array.ElementLength());
  }
  options.rpc_servers = StringsField(object, "rpcServers");
  options.mmap = BoolField(object, "mmap");
  options.mlock = BoolField(object, "mlock");
  options.vocab_only = BoolField(object, "vocabOnly");
  options.check_tensors = BoolField(object, "checkTensors");
  ReadOverrides(object, &options);
  return options;
}

ContextOptions ReadContextOptions(const Napi::Object& object) {
  ContextOptions options;
  options.context_size = IntField(object, "contextSize");
  options.batch_size = IntField(object, "batchSize");
  options.micro_batch_size = IntField(object, "microBatchSize");
  options.max_sequences = IntField(object, "maxSequences");
  options.threads = IntField(object, "threads");
  options.threads_batch = IntField(object, "threadsBatch");
  options.flash_attention = ToFlashAttention(StringField(object, "flashAttention"));
  options.kv_type_k = StringField(object, "kvCacheTypeK");
  options.kv_type_v = StringField(object, "kvCacheTypeV");
  options.offload_kqv = BoolField(object, "offloadKqv");
  options.logits_budget = static_cast<size_t>(NumberField(object, "logitsBudget"));
  options.state_budget = static_cast<size_t>(NumberField(object, "stateBudget"));
  options.rope_frequency_base = static_cast<float>(NumberField(object, "ropeFrequencyBase"));
  options.rope_frequency_scale = static_cast<float>(NumberField(object, "ropeFrequencyScale"));
  options.rope_scaling = ToRopeScaling(StringField(object, "ropeScaling"));
  options.yarn_ext_factor = static_cast<float>(NumberField(object, "yarnExtFactor"));
  options.yarn_attn_factor = static_cast<float>(NumberField(object, "yarnAttnFactor"));
  options.yarn_beta_fast = static_cast<float>(NumberField(object, "yarnBetaFast"));
  options.yarn_beta_slow = static_cast<float>(NumberField(object, "yarnBetaSlow"));
  options.yarn_orig_ctx = static_cast<uint32_t>(IntField(object, "yarnOrigCtx"));
  return options;
}

}  // namespace autocog
