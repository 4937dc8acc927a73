// The part of Context that decodes batches. See context.h.

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/common/log.h"
#include "engine/context/context.h"

namespace autocog {

bool Context::OnAbort(void* self) {
  const Cancellation* running = static_cast<Context*>(self)->running_;
  return running != nullptr && running->requested();
}

Status Context::Decode(Batch* batch, Kernels kernels, int free_cells, const Cancellation& cancellation, Usage* usage) {
  if (cancellation.requested()) return cancellation.status();
  if (batch->size() < 1 || batch->size() > max_tokens_ || batch->rows() > max_rows_) {
    return Status(Code::kInternal, "A batch of " + std::to_string(batch->size()) + " tokens and " +
                                       std::to_string(batch->rows()) + " rows exceeds the limits of " +
                                       std::to_string(max_tokens_) + " and " + std::to_string(max_rows_));
  }
  const int size = batch->size();
  const llama_seq_id padding = max_sequences_ - 1;
  const bool pads = kernels == Kernels::kBatch && !append_only();
  const bool padded = pads && size % micro_batch_ == 1 && free_cells > 0;
  if (padded) batch->Add(0, 0, padding, batch->outputs_logits(size - 1));
  if (pads) PairRows(batch);
  LogCapture log;
  std::string failure;
  running_ = &cancellation;
  has_old_cells_ = true;
  const int32_t code = Submit(batch, &failure);
  running_ = nullptr;
  if (padded) Trim(padding, 0);
  if (Status status = model_->CheckServers(); !status.ok()) return status;
  if (code == 0) {
    usage->decoded_tokens += size;
    usage->padding_tokens += padded ? 1 : 0;
    usage->decode_calls += 1;
    return Status::Ok();
  }
  lost_sequences_ = lost_sequences_ || (append_only() && !batch->has_one_sequence());
  if (failure.empty()) failure = log.text();
  return ToStatus(code, "llama_decode", std::move(failure), cancellation);
}

Status Context::ToStatus(int32_t code, const char* function, std::string failure,
                         const Cancellation& cancellation) const {
  if (cancellation.requested()) return cancellation.status();
  if (code == 1) return Status(Code::kDecodeFailed, "The KV cache has no room for the batch", std::move(failure));
  if (code == -2) {
    return Status(Code::kOutOfMemory, "llama.cpp could not allocate memory for a batch", std::move(failure));
  }
  return Status(Code::kDecodeFailed, std::string(function) + " failed with code " + std::to_string(code),
                std::move(failure));
}

Status Context::Encode(const Tokens& prompt, const Cancellation& cancellation, Usage* usage) {
  if (cancellation.requested()) return cancellation.status();
  std::vector<llama_seq_id> all(static_cast<size_t>(max_sequences_));
  std::iota(all.begin(), all.end(), 0);
  Batch batch;
  for (size_t i = 0; i < prompt.size(); ++i) batch.AddShared(prompt[i], static_cast<llama_pos>(i), all, true);
  LogCapture log;
  std::string failure;
  running_ = &cancellation;
  int32_t code = -4;
  try {
    code = llama_encode(context_, batch.View());
    llama_synchronize(context_);
  } catch (const std::exception& error) {
    failure = error.what();
  }
  running_ = nullptr;
  if (Status status = model_->CheckServers(); !status.ok()) return status;
  if (code == 0) {
    usage->decoded_tokens += batch.size();
    usage->decode_calls += 1;
    return Status::Ok();
  }
  if (failure.empty()) failure = log.text();
  return ToStatus(code, "llama_encode", std::move(failure), cancellation);
}

// In the last layer, llama.cpp computes only the rows that output logits, so a micro-batch with a single
// such row would use the single-token kernels regardless of its number of tokens.
void Context::PairRows(Batch* batch) const {
  for (int start = 0; start < batch->size(); start += micro_batch_) {
    const int end = std::min(start + micro_batch_, batch->size());
    int rows = 0;
    int last = -1;
    for (int i = start; i < end; ++i) {
      if (!batch->outputs_logits(i)) continue;
      ++rows;
      last = i;
    }
    if (rows == 1 && end - start > 1) batch->RequestLogits(last == start ? start + 1 : last - 1);
  }
}

// llama.cpp asserts that there is a row to suppress. As PairRows() did, this adds at most one per micro-batch.
void Context::RequestRowOfEach(Batch* batch) const {
  for (int start = 0; start < batch->size(); start += micro_batch_) {
    const int end = std::min(start + micro_batch_, batch->size());
    int first = start;
    while (first < end && !batch->outputs_logits(first)) ++first;
    if (first == end) batch->RequestLogits(end - 1);
  }
}

int32_t Context::Submit(Batch* batch, std::string* failure) {
  row_numbers_.clear();
  if (decoding_.one_sequence && !batch->has_one_sequence()) return SubmitBySequence(*batch, failure);
  if (decoding_.all_rows) {
    for (int i = 0; i < batch->size(); ++i) batch->RequestLogits(i);
  }
  if (decoding_.suppressed_to > 0) RequestRowOfEach(batch);
  try {
    const int32_t code = llama_decode(context_, batch->View());
    llama_synchronize(context_);
    return code;
  } catch (const std::exception& error) {
    *failure = error.what();
    return -4;
  }
}

int32_t Context::SubmitBySequence(const Batch& batch, std::string* failure) {
  const auto width = static_cast<size_t>(vocabulary_size());
  std::vector<int> numbers(static_cast<size_t>(batch.size()), -1);
  std::vector<float> rows;
  rows.reserve(static_cast<size_t>(batch.rows()) * width);
  for (const std::vector<int>& indices : batch.BySequence()) {
    Batch part;
    for (int i : indices) part.AddFrom(batch, i);
    if (int32_t code = Submit(&part, failure); code != 0) return code;
    for (size_t k = 0; k < indices.size(); ++k) {
      if (!batch.outputs_logits(indices[k])) continue;
      numbers[static_cast<size_t>(indices[k])] = static_cast<int>(rows.size() / width);
      const float* row = llama_get_logits_ith(context_, static_cast<int32_t>(k));
      rows.insert(rows.end(), row, row + width);
    }
  }
  rows_ = std::move(rows);
  row_numbers_ = std::move(numbers);
  return 0;
}

float* Context::RawRow(int i) {
  if (row_numbers_.empty()) return llama_get_logits_ith(context_, i);
  const auto number = static_cast<size_t>(row_numbers_[static_cast<size_t>(i)]);
  return rows_.data() + number * static_cast<size_t>(vocabulary_size());
}

const float* Context::Row(int i) {
  float* row = RawRow(i);
  if (row == nullptr) return nullptr;
  // A hidden state that is not finite leaves no logit finite: each is a product with all of it.
  const float sample = row[vocabulary_size() - 1];
  has_bad_cells_ = has_bad_cells_ || std::isnan(sample) || sample == std::numeric_limits<float>::infinity();
  const auto [from, to] = std::pair(decoding_.suppressed_from, std::min(decoding_.suppressed_to, vocabulary_size()));
  if (row_numbers_.empty() && from < to) std::fill(row + from, row + to, -FLT_MAX);
  return row;
}

}  // namespace autocog
