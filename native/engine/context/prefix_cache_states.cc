// The part of PrefixCache that handles append-only sequences. See prefix_cache.h.

#include <algorithm>

#include "engine/context/prefix_cache.h"

namespace autocog {

namespace {

bool StartsWith(const Tokens& tokens, const Tokens& start) {
  return start.size() <= tokens.size() && std::equal(start.begin(), start.end(), tokens.begin());
}

}  // namespace

bool PrefixCache::CanExtend(const Slot& slot, const Tokens& prompt, const PromptRequest& request) const {
  const auto slot_length = static_cast<int>(slot.tokens.size());
  const auto length = static_cast<int>(prompt.size());
  if (slot_length == 0 || slot.shifted >= 0 || !StartsWith(prompt, slot.tokens)) return false;
  if (slot.exact < slot_length && !request.reuse_appended) return false;
  if (request.rows.empty() || slot_length <= request.rows.front()) return true;
  return slot_length == length && slot.row_position == length - 1 && request.rows.size() == 1 &&
         request.rows.front() == length - 1;
}

int PrefixCache::SelectState(const Tokens& prompt, const PromptRequest& request, int* reused) {
  int best = -1;
  for (int i = 0; i < slots(); ++i) {
    if (!CanExtend(slots_[static_cast<size_t>(i)], prompt, request)) continue;
    if (best < 0 || Length(i) > Length(best)) best = i;
  }
  *reused = best < 0 ? 0 : Length(best);
  if (best < 0) return OldestSlot(-1);
  if (*reused == static_cast<int>(prompt.size())) return best;
  slots_[static_cast<size_t>(best)].last_used = ++clock_;
  return CopySlot(best);
}

int PrefixCache::CopySlot(int index) {
  const int target = OldestSlot(index);
  if (target < 0) return index;
  TrimSlot(target, 0);
  const Slot& source = slots_[static_cast<size_t>(index)];
  Slot& copy = slots_[static_cast<size_t>(target)];
  context_->Share(index, target, 0, Length(index));
  copy.tokens = source.tokens;
  copy.exact = source.exact;
  copy.shifted = source.shifted;
  copy.last_used = ++clock_;
  return target;
}

int PrefixCache::SharedPrefix(const Tokens& prompt) const {
  if (slots() == 1) return 0;
  std::ptrdiff_t shared = 0;
  for (const Slot& slot : slots_) {
    const auto end = std::mismatch(slot.tokens.begin(), slot.tokens.end(), prompt.begin(), prompt.end()).second;
    if (end != prompt.end()) shared = std::max(shared, end - prompt.begin());
  }
  return static_cast<int>(shared);
}

int PrefixCache::PrepareAppend(int slot, int length) {
  if (context_->append_only()) return CopySlot(slot);
  TrimSlot(slot, length);
  return slot;
}

void PrefixCache::MoveBranch(int from, int to) {
  context_->Share(BranchSequence(from), BranchSequence(to), 0, context_->context_size());
  context_->Trim(BranchSequence(from), 0);
}

void PrefixCache::SwapBranches(int a, int b) {
  const llama_seq_id spare = SpareSequence();
  const int all = context_->context_size();
  context_->Share(BranchSequence(a), spare, 0, all);
  context_->Share(BranchSequence(b), BranchSequence(a), 0, all);
  context_->Share(spare, BranchSequence(b), 0, all);
  context_->Trim(spare, 0);
}

Status PrefixCache::DecodeOrRestore(int index, int free_cells, const Cancellation& cancellation, Usage* usage) {
  const int length = Length(index);
  if (!context_->append_only()) {
    Status status = context_->Decode(&batch_, Kernels::kBatch, free_cells, cancellation, usage);
    if (!status.ok()) context_->Trim(index, length);
    return status;
  }
  const llama_seq_id backup = SpareSequence();
  context_->Share(index, backup, 0, length);
  Status status = context_->Decode(&batch_, Kernels::kBatch, free_cells, cancellation, usage);
  if (!status.ok()) {
    context_->Trim(index, 0);
    context_->Share(backup, index, 0, length);
  }
  context_->Trim(backup, 0);
  return status;
}

void PrefixCache::DropLostSequences() {
  if (context_->lost_sequences() || context_->has_bad_cells()) Clear();
}

}  // namespace autocog
