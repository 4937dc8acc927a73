// What the bare programs share: the context, the prompt and the threads.

#ifndef AUTOCOG_BENCH_BARE_ENGINE_H_
#define AUTOCOG_BENCH_BARE_ENGINE_H_

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "ggml-cpu.h"
#include "llama.h"

constexpr llama_seq_id kPrompt = 0;
constexpr int kContextSize = 4096;

[[noreturn]] inline void Fail(const char* message) {
  std::fprintf(stderr, "bare: %s\n", message);
  std::exit(1);
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

// A persistent pool whose threads sleep between decodes, as in the package.
inline ggml_threadpool* AttachThreads(llama_context* context, int threads) {
  ggml_threadpool_params pool_params = ggml_threadpool_params_default(threads);
  pool_params.poll = 0;
  ggml_threadpool* pool = ggml_threadpool_new(&pool_params);
  llama_attach_threadpool(context, pool, nullptr);
  return pool;
}

#endif  // AUTOCOG_BENCH_BARE_ENGINE_H_
