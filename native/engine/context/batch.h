// Builds a llama_batch: tokens with their positions, sequences and logits flags. Plain memory; used on
// the session's thread.

#ifndef AUTOCOG_ENGINE_CONTEXT_BATCH_H_
#define AUTOCOG_ENGINE_CONTEXT_BATCH_H_

#include <vector>

#include "llama.h"

namespace autocog {

class Batch {
 public:
  void Clear();
  void Add(llama_token token, llama_pos position, llama_seq_id sequence, bool outputs_logits);
  // A token shared by the sequences [first, first + count). REQUIRES: count > 0.
  void AddShared(llama_token token, llama_pos position, llama_seq_id first, int count, bool outputs_logits);

  // A token shared by `sequences`, which must not be empty.
  void AddShared(llama_token token, llama_pos position, const std::vector<llama_seq_id>& sequences,
                 bool outputs_logits);

  // Adds the i-th token of another batch, in which it has one sequence.
  void AddFrom(const Batch& other, int i);
  // The indices of the tokens of each sequence, in order. REQUIRES: one sequence per token.
  std::vector<std::vector<int>> BySequence() const;

  int size() const { return static_cast<int>(tokens_.size()); }
  // Number of tokens that output logits.
  int rows() const { return rows_; }
  // Whether all tokens are in one and the same sequence.
  bool has_one_sequence() const;
  bool outputs_logits(int i) const { return outputs_logits_[static_cast<size_t>(i)] != 0; }
  void RequestLogits(int i);

  // Valid until the batch changes.
  llama_batch View();

 private:
  // Adds a token; the caller appends its `sequences` sequence ids.
  void Begin(llama_token token, llama_pos position, int sequences, bool outputs_logits);

  std::vector<llama_token> tokens_;
  std::vector<llama_pos> positions_;
  std::vector<int32_t> sequence_counts_;
  std::vector<size_t> sequence_starts_;
  std::vector<llama_seq_id> sequences_;
  std::vector<llama_seq_id*> sequence_pointers_;
  std::vector<int8_t> outputs_logits_;
  int rows_ = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_BATCH_H_
