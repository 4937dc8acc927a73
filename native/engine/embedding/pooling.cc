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

// The value of a metadata key as text; empty if missing.
std::string Metadata(const Model& model, const std::string& key) {
  char text[64];
  const int32_t length = llama_model_meta_val_str(model.raw(), key.c_str(), text, sizeof text);
  return length < 0 ? std::string() : std::string(text);
}

// The number of rows of a tensor in the file; 0 if missing. llama.h has no access to tensors.
int RowsOf(ggml_context* tensors, const char* name) {
  const ggml_tensor* tensor = ggml_get_tensor(tensors, name);
  return tensor == nullptr ? 0 : static_cast<int>(tensor->ne[1]);
}

bool HasClassifierHead(const Model& model, int outputs) {
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
  // Like llama-embedding: scales to about the range of a 16-bit integer.
  if (p == 0) return largest / 32760.0;
  if (largest == 0) return 0;
  // Relative to the largest magnitude, since high powers would overflow.
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
      return Status(Code::kNotSupported, "This model requires pooling type " + own + ", which is not supported");
  }
}

Result<ClassifierHead> FindClassifierHead(const Model& model) {
  ClassifierHead head;
  head.outputs = static_cast<int>(llama_model_n_cls_out(model.raw()));
  // In a split file the head may be in any part: rely on the metadata instead.
  const bool is_split = std::strtol(Metadata(model, "split.count").c_str(), nullptr, 10) > 1;
  const bool ranks =
      is_split ? Metadata(model, model.info().architecture + ".pooling_type") == std::to_string(LLAMA_POOLING_TYPE_RANK)
               : HasClassifierHead(model, head.outputs);
  if (!ranks) return Status(Code::kNotSupported, "This model has no head for ranking or classification");
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
