// See steering.h.

#include "engine/context/steering.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "engine/common/assertion.h"
#include "engine/model/gguf_file.h"

namespace autocog {

Status Steering::SetAdapters(std::vector<AdapterUse> adapters) {
  if (Status status = CheckAdapters(adapters); !status.ok()) return status;
  if (Status status = Apply(adapters); !status.ok()) return status;
  if (!adapters.empty()) {
    // Some adapters match the shapes of the weights but not the graph (e.g. one for embeddings that are
    // tied to the output): llama.cpp asserts when it builds the graph.
    if (auto probe = Probe(); !probe.ok()) {
      Status restored = Apply(adapters_);
      if (!restored.ok()) return restored;
      return Status(Code::kNotSupported, "llama.cpp cannot compute this model with these adapters",
                    probe.status().cause());
    }
  }
  // Only now can the previous adapters be freed.
  adapters_ = std::move(adapters);
  return Status::Ok();
}

Status Steering::CheckAdapters(const std::vector<AdapterUse>& adapters) const {
  for (const AdapterUse& use : adapters) {
    if (use.adapter->model() != &context_->model()) {
      return Status(Code::kInvalidArgument, "Expected adapters of this LM's own model, got one of another model");
    }
    const auto same = [&](const AdapterUse& other) { return other.adapter == use.adapter; };
    if (std::count_if(adapters.begin(), adapters.end(), same) > 1) {
      return Status(Code::kInvalidArgument, "Expected each adapter at most once, got one twice");
    }
    if (!std::isfinite(use.scale)) {
      return Status(Code::kOutOfRange, "Expected a finite scale, got " + std::to_string(use.scale));
    }
  }
  return Status::Ok();
}

Status Steering::Apply(const std::vector<AdapterUse>& adapters) {
  std::vector<llama_adapter_lora*> raw;
  std::vector<float> scales;
  for (const AdapterUse& use : adapters) {
    raw.push_back(use.adapter->raw());
    scales.push_back(use.scale);
  }
  if (llama_set_adapters_lora(context_->raw(), raw.data(), raw.size(), scales.data()) == 0) return Status::Ok();
  return Status(Code::kInternal, "llama.cpp rejects the adapters");
}

Status Steering::SetControlVector(const std::vector<float>& data) {
  const ModelInfo& info = context_->model().info();
  const size_t width = static_cast<size_t>(info.embedding_size);
  const size_t max_size = width * static_cast<size_t>(std::max(info.layers - 1, 0));
  if (width == 0 || data.size() % width != 0 || data.size() > max_size) {
    return Status(Code::kOutOfRange, "Expected rows of " + std::to_string(width) + " numbers for layers 1 to " +
                                         std::to_string(info.layers - 1) + ", got " + std::to_string(data.size()) +
                                         " numbers");
  }
  if (!std::all_of(data.begin(), data.end(), [](float value) { return std::isfinite(value); })) {
    return Status(Code::kOutOfRange, "Expected finite numbers in a control vector");
  }
  vector_.clear();
  if (data.empty()) return ApplyVector(nullptr, 0);
  if (!supports_vectors_) {
    if (Status status = ProbeVector(); !status.ok()) return status;
    supports_vectors_ = true;
  }
  // llama.cpp leaves missing rows unchanged, so pad with zeros.
  std::vector<float> rows = data;
  rows.resize(max_size);
  if (Status status = ApplyVector(rows.data(), rows.size()); !status.ok()) return status;
  vector_ = std::move(rows);
  return Status::Ok();
}

Status Steering::ApplyVector(const float* data, size_t size) {
  const ModelInfo& info = context_->model().info();
  AssertionGuard guard;
  try {
    if (llama_set_adapter_cvec(context_->raw(), data, size, info.embedding_size, 1, info.layers - 1) == 0) {
      return Status::Ok();
    }
    return Status(Code::kOutOfMemory, "Not enough memory for a control vector");
  } catch (const std::exception& error) {
    return Status(Code::kNotSupported, "llama.cpp cannot use a control vector with this model", error.what());
  }
}

// The graphs of some architectures silently ignore control vectors: compare the logits with and without.
Status Steering::ProbeVector() {
  const ModelInfo& info = context_->model().info();
  if (Status status = ApplyVector(nullptr, 0); !status.ok()) return status;
  auto without = Probe();
  if (!without.ok()) return without.status();
  std::vector<float> ones(static_cast<size_t>(info.embedding_size) * static_cast<size_t>(info.layers - 1), 1.0f);
  if (Status status = ApplyVector(ones.data(), ones.size()); !status.ok()) return status;
  auto with = Probe();
  if (Status status = ApplyVector(nullptr, 0); !status.ok()) return status;
  if (!with.ok()) return with.status();
  if (with.value() != without.value()) return Status::Ok();
  return Status(Code::kNotSupported,
                "llama.cpp does not support control vectors for the architecture '" + info.architecture + "'");
}

Result<std::vector<float>> Steering::Probe() {
  const llama_seq_id sequence = 0;
  Batch batch;
  batch.Add(0, 0, sequence, false);
  batch.Add(0, 1, sequence, true);
  Usage usage;
  Status status;
  {
    // The shape assertions fail on this thread, before the compute threads start.
    AssertionGuard guard;
    status = context_->Decode(&batch, Kernels::kBatch, 0, Cancellation(nullptr, nullptr), &usage);
  }
  std::vector<float> logits;
  if (status.ok()) {
    const float* row = context_->Row(1);
    logits.assign(row, row + context_->vocabulary_size());
  }
  context_->Trim(sequence, 0);
  if (!status.ok()) return status;
  return logits;
}

std::string Steering::name() const {
  uint64_t digest = 0;
  // Sum the digests: the order does not matter, since llama.cpp keeps adapters as a set.
  for (const AdapterUse& use : adapters_) {
    if (use.scale == 0) continue;
    const uint64_t file = use.adapter->digest();
    digest += AddToDigest(AddToDigest(kEmptyDigest, &file, sizeof file), &use.scale, sizeof use.scale);
  }
  if (std::any_of(vector_.begin(), vector_.end(), [](float value) { return value != 0; })) {
    digest ^= AddToDigest(kEmptyDigest, vector_.data(), vector_.size() * sizeof(float));
  }
  if (digest == 0) return {};
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(digest));
  return text;
}

}  // namespace autocog
