// See hook.h: the list of implementations that the CPU backend asks.

#include <cstdlib>
#include <cstring>
#include <vector>

#include "experts.h"
#include "products.h"

namespace autocog::kernels {

namespace {

class Kernels : public ggml::cpu::extra_buffer_type {
 public:
  // No weights are stored in a buffer of ours.
  bool supports_op(ggml_backend_dev_t, const ggml_tensor*) override { return false; }

  ggml::cpu::tensor_traits* get_tensor_traits(const ggml_tensor* op) override {
    if (IsProduct(op)) return &products_;
    return IsExperts(op) ? &experts_ : nullptr;
  }

 private:
  Products products_;
  Experts experts_;
};

// AUTOCOG_KERNELS=0 leaves everything to ggml.
bool Wanted() {
  const char* value = std::getenv("AUTOCOG_KERNELS");
  return value == nullptr || std::strcmp(value, "0") != 0;
}

}  // namespace

}  // namespace autocog::kernels

const std::vector<ggml_backend_buffer_type_t>& AutocogImplementations() {
  static autocog::kernels::Kernels kernels;
  static ggml_backend_buffer_type type = {};
  static const std::vector<ggml_backend_buffer_type_t> all = [] {
    std::vector<ggml_backend_buffer_type_t> list = ggml_backend_cpu_get_extra_buffer_types();
    type.context = static_cast<ggml::cpu::extra_buffer_type*>(&kernels);
    if (autocog::kernels::Wanted()) list.insert(list.begin(), &type);
    return list;
  }();
  return all;
}
