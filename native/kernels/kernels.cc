// See hook.h: the list of implementations that the CPU backend asks.

#include "kernels.h"

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "attention.h"
#include "experts.h"
#include "kernel.h"
#include "products.h"

namespace autocog::kernels {

namespace {

class Kernels : public ggml::cpu::extra_buffer_type {
 public:
  // No weights are stored in a buffer of ours.
  bool supports_op(ggml_backend_dev_t, const ggml_tensor*) override { return false; }

  ggml::cpu::tensor_traits* get_tensor_traits(const ggml_tensor* op) override {
    if (IsProduct(op)) return &products_;
    if (IsExperts(op)) return &experts_;
    if (IsScores(op)) return &scores_;
    return nullptr;
  }

 private:
  Products products_;
  Experts experts_;
  Scores scores_;
};

}  // namespace

bool AreKernelsEnabled() {
  static const bool enabled = [] {
    const char* value = std::getenv("AUTOCOG_KERNELS");
    return value == nullptr || std::strcmp(value, "0") != 0;
  }();
  return enabled;
}

}  // namespace autocog::kernels

const std::vector<ggml_backend_buffer_type_t>& AutocogImplementations() {
  static autocog::kernels::Kernels kernels;
  static ggml_backend_buffer_type type = {};
  static const std::vector<ggml_backend_buffer_type_t> all = [] {
    std::vector<ggml_backend_buffer_type_t> list = ggml_backend_cpu_get_extra_buffer_types();
    type.context = static_cast<ggml::cpu::extra_buffer_type*>(&kernels);
    if (autocog::kernels::AreKernelsEnabled()) list.insert(list.begin(), &type);
    return list;
  }();
  return all;
}

const char* AutocogKernels() {
  static const std::string names = [] {
    std::string list;
    if (!autocog::kernels::AreKernelsEnabled()) return list;
    if (autocog::kernels::kHasAttention) list += "attention ";
    for (const ggml_type type : autocog::kernels::KernelTypes()) {
      std::string name = ggml_type_name(type);
      for (char& letter : name) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
      list += name + " ";
    }
    return list;
  }();
  return names.c_str();
}
