// See batch.h.

#include "engine/context/batch.h"

#include <algorithm>
#include <map>
#include <utility>

namespace autocog {

void Batch::Clear() {
  tokens_.clear();
  positions_.clear();
  sequence_counts_.clear();
  sequence_starts_.clear();
  sequences_.clear();
  outputs_logits_.clear();
  rows_ = 0;
}

void Batch::Add(llama_token token, llama_pos position, llama_seq_id sequence, bool outputs_logits) {
  AddShared(token, position, sequence, 1, outputs_logits);
}

void Batch::AddShared(llama_token token, llama_pos position, llama_seq_id first, int count, bool outputs_logits) {
  Begin(token, position, count, outputs_logits);
  for (int i = 0; i < count; ++i) sequences_.push_back(first + i);
}

void Batch::AddShared(llama_token token, llama_pos position, const std::vector<llama_seq_id>& sequences,
                      bool outputs_logits) {
  Begin(token, position, static_cast<int>(sequences.size()), outputs_logits);
  sequences_.insert(sequences_.end(), sequences.begin(), sequences.end());
}

void Batch::AddFrom(const Batch& other, int i) {
  const auto index = static_cast<size_t>(i);
  Add(other.tokens_[index], other.positions_[index], other.sequences_[other.sequence_starts_[index]],
      other.outputs_logits(i));
}

std::vector<std::vector<int>> Batch::BySequence() const {
  std::map<llama_seq_id, std::vector<int>> indices;
  for (int i = 0; i < size(); ++i) indices[sequences_[sequence_starts_[static_cast<size_t>(i)]]].push_back(i);
  std::vector<std::vector<int>> result;
  for (auto& [sequence, of_sequence] : indices) result.push_back(std::move(of_sequence));
  return result;
}

bool Batch::has_one_sequence() const {
  return std::all_of(sequences_.begin(), sequences_.end(), [this](llama_seq_id each) { return each == sequences_[0]; });
}

void Batch::Begin(llama_token token, llama_pos position, int sequences, bool outputs_logits) {
  tokens_.push_back(token);
  positions_.push_back(position);
  sequence_counts_.push_back(sequences);
  sequence_starts_.push_back(sequences_.size());
  outputs_logits_.push_back(outputs_logits ? 1 : 0);
  if (outputs_logits) ++rows_;
}

void Batch::RequestLogits(int i) {
  int8_t& output = outputs_logits_[static_cast<size_t>(i)];
  if (output == 0) ++rows_;
  output = 1;
}

llama_batch Batch::View() {
  sequence_pointers_.resize(tokens_.size());
  for (size_t i = 0; i < tokens_.size(); ++i) sequence_pointers_[i] = sequences_.data() + sequence_starts_[i];
  llama_batch view = {};
  view.n_tokens = size();
  view.token = tokens_.data();
  view.pos = positions_.data();
  view.n_seq_id = sequence_counts_.data();
  view.seq_id = sequence_pointers_.data();
  view.logits = outputs_logits_.data();
  return view;
}

}  // namespace autocog
