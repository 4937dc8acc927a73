// See pooling.h.

#include "engine/embedding/pooling.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <utility>

#include "ggml.h"
#include "gguf.h"

namespace autocog {

namespace {

constexpr std::pair<Pooling, const char*> kNames[] = {
    {Pooling::kNone, "none"}, {Pooling::kMean, "mean"}, {Pooling::kCls, "cls"},
    {Pooling::kLast, "last"}, {Pooling::kRank, "rank"},
};

// The file's value of a key, as text; empty where there is none.
std::string Metadata(const Model& model, const std::string& key) {
  char text[64];
  const int32_t length = llama_model_meta_val_str(model.raw(), key.c_str(), text, sizeof text);
  return length < 0 ? std::string() : std::string(text);
}

// Rows of a tensor of the file; 0 where it is not there. llama.h does not tell of tensors.
int RowsOf(ggml_context* tensors, const char* name) {
  const ggml_tensor* tensor = ggml_get_tensor(tensors, name);
  return tensor == nullptr ? 0 : static_cast<int>(tensor->ne[1]);
}

bool HasHead(const Model& model, int outputs) {
  ggml_context* tensors = nullptr;
  gguf_context* file = gguf_init_from_file(model.info().path.c_str(), {/*no_alloc=*/true, &tensors});
  if (file == nullptr) return false;
  const bool has = RowsOf(tensors, "cls.output.weight") == outputs || RowsOf(tensors, "cls.weight") == outputs;
  ggml_free(tensors);
  gguf_free(file);
  return has;
}

double NormOf(const std::vector<double>& values, double p) {
  double largest = 0;
  for (double value : values) largest = std::max(largest, std::fabs(value));
  // llama-embedding makes the range that of a 16-bit integer, about.
  if (p == 0) return largest / 32760.0;
  if (largest == 0) return 0;
  // Relative to the largest, or high powers would overflow.
  double sum = 0;
  for (double value : values) {
    const double part = std::fabs(value) / largest;
    sum += p == 2 ? part * part : p == 1 ? part : std::pow(part, p);
  }
  return largest * (p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / p));
}

}  // namespace

const char* PoolingName(Pooling pooling) {
  for (const auto& [each, name] : kNames) {
    if (each == pooling) return name;
  }
  return "none";
}

Result<Pooling> ChoosePooling(const Model& model, const std::string& name) {
  for (const auto& [pooling, known] : kNames) {
    if (name == known) return pooling;
  }
  if (!name.empty()) {
    return Status(Code::kOutOfRange, "Expected none, mean, cls, last or rank for pooling, got " + name);
  }
  const std::string own = Metadata(model, model.info().architecture + ".pooling_type");
  if (own.empty()) return Pooling::kMean;
  const long type = std::strtol(own.c_str(), nullptr, 10);
  switch (type) {
    case LLAMA_POOLING_TYPE_UNSPECIFIED:
    case LLAMA_POOLING_TYPE_MEAN:
      return Pooling::kMean;
    case LLAMA_POOLING_TYPE_NONE:
      return Pooling::kNone;
    case LLAMA_POOLING_TYPE_CLS:
      return Pooling::kCls;
    case LLAMA_POOLING_TYPE_LAST:
      return Pooling::kLast;
    case LLAMA_POOLING_TYPE_RANK:
      return Pooling::kRank;
    default:
      return Status(Code::kNotSupported, "This model wants a pooling of type " + own + ", which is not known here");
  }
}

Result<ClassifierHead> FindClassifierHead(const Model& model) {
  ClassifierHead head;
  head.outputs = static_cast<int>(llama_model_n_cls_out(model.raw()));
  // Of a file in parts, the head may be in any: then the file's word has to do.
  const bool in_parts = std::strtol(Metadata(model, "split.count").c_str(), nullptr, 10) > 1;
  const bool ranks =
      in_parts ? Metadata(model, model.info().architecture + ".pooling_type") == std::to_string(LLAMA_POOLING_TYPE_RANK)
               : HasHead(model, head.outputs);
  if (!ranks) return Status(Code::kNotSupported, "This model has no head to rank or to classify with");
  for (int i = 0; i < head.outputs; ++i) {
    const char* label = llama_model_cls_label(model.raw(), static_cast<uint32_t>(i));
    if (label != nullptr) head.labels.push_back(label);
  }
  return head;
}

void Pooler::Add(const float* row) {
  ++count_;
  if (pooling_ == Pooling::kCls && count_ > 1) return;
  for (size_t i = 0; i < sum_.size(); ++i) {
    if (pooling_ == Pooling::kMean) {
      sum_[i] += static_cast<double>(row[i]);
    } else {
      sum_[i] = static_cast<double>(row[i]);
    }
  }
}

bool Pooler::Finish(double norm, std::vector<float>* values) {
  if (pooling_ == Pooling::kMean) {
    for (double& value : sum_) value /= count_;
  }
  const double length = norm < 0 ? 1 : NormOf(sum_, norm);
  const double factor = length > 0 ? 1 / length : 0;
  bool finite = std::isfinite(length);
  for (double& value : sum_) {
    const auto scaled = static_cast<float>(value * factor);
    finite = finite && std::isfinite(scaled);
    values->push_back(scaled);
  }
  Reset();
  return finite;
}

void Pooler::Reset() {
  std::fill(sum_.begin(), sum_.end(), 0.0);
  count_ = 0;
}

}  // namespace autocog
