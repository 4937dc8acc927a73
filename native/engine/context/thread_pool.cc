// See thread_pool.h. The functions are looked up in the CPU backend by name, since backends may be
// loaded at run time.

#include "engine/context/thread_pool.h"

#include "ggml-backend.h"

namespace autocog {

namespace {

template <typename Function>
Function FromCpu(const char* name) {
  ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (cpu == nullptr) return nullptr;
  return reinterpret_cast<Function>(ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu), name));
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  if (threads < 2) return;
  using New = ggml_threadpool_t (*)(ggml_threadpool_params*);
  auto make = FromCpu<New>("ggml_threadpool_new");
  if (make == nullptr) return;
  ggml_threadpool_params params = ggml_threadpool_params_default(threads);
  // Busy-waiting between graphs would use CPU time while idle, and compete with the JavaScript thread
  // during generation: on two cores it costs more than it gains.
  params.poll = 0;
  pool_ = make(&params);
}

ThreadPool::~ThreadPool() {
  if (pool_ == nullptr) return;
  using Free = void (*)(ggml_threadpool_t);
  if (auto release = FromCpu<Free>("ggml_threadpool_free")) release(pool_);
}

}  // namespace autocog
