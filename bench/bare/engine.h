// What the bare programs share: the context, the prompt and the threads.

#ifndef AUTOCOG_BENCH_BARE_ENGINE_H_
#define AUTOCOG_BENCH_BARE_ENGINE_H_

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "ggml-backend.h"
#include "llama.h"

constexpr llama_seq_id kPrompt = 0;
constexpr int kContextSize = 4096;

[[noreturn]] inline void Fail(const char* message) {
  std::fprintf(stderr, "bare: %s\n", message);
  std::exit(1);
}

// Loads backends that are files of their own, if there are any, and the model, with `gpu_layers` layers on GPUs.
inline llama_model* LoadModel(const char* path, int gpu_layers) {
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  ggml_backend_load_all();
  llama_backend_init();
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = gpu_layers;
  ggml_backend_dev_t none[] = {nullptr};
  if (gpu_layers == 0) params.devices = none;
  llama_model* model = llama_model_load_from_file(path, params);
  if (model == nullptr) Fail("cannot load the model");
  return model;
}

inline llama_context* MakeContext(llama_model* model, int sequences, int threads) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = kContextSize;
  params.n_seq_max = static_cast<uint32_t>(sequences);
  params.kv_unified = true;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.n_threads = threads;
  params.n_threads_batch = threads;
  params.no_perf = true;
  return llama_init_from_model(model, params);
}

inline void DecodePrompt(llama_context* context, const std::vector<llama_token>& prompt) {
  llama_batch batch = llama_batch_init(static_cast<int32_t>(prompt.size()), 0, 1);
  for (llama_token token : prompt) {
    const int i = batch.n_tokens++;
    batch.token[i] = token;
    batch.pos[i] = i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = kPrompt;
    batch.logits[i] = 0;
  }
  if (llama_decode(context, batch) != 0) Fail("cannot decode the prompt");
  llama_batch_free(batch);
}

// A function of the CPU backend, which may be a file of its own.
template <typename Function>
Function CpuFunction(const char* name) {
  ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  return reinterpret_cast<Function>(ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu), name));
}

// A persistent pool whose threads sleep between decodes, as in the package.
inline ggml_threadpool* AttachThreads(llama_context* context, int threads) {
  ggml_threadpool_params pool_params = ggml_threadpool_params_default(threads);
  pool_params.poll = 0;
  ggml_threadpool* pool =
      CpuFunction<ggml_threadpool* (*)(ggml_threadpool_params*)>("ggml_threadpool_new")(&pool_params);
  llama_attach_threadpool(context, pool, nullptr);
  return pool;
}

inline void FreeThreads(ggml_threadpool* pool) {
  CpuFunction<void (*)(ggml_threadpool*)>("ggml_threadpool_free")(pool);
}

#endif  // AUTOCOG_BENCH_BARE_ENGINE_H_
