// The part of PrefixCache that saves and loads prompts. See prefix_cache.h.

#include <algorithm>
#include <cstring>

#include "engine/context/prefix_cache.h"

namespace autocog {

Tokens PrefixCache::LastUsedPrompt() {
  DropLostSequences();
  const Slot* last = nullptr;
  for (const Slot& slot : slots_) {
    if (slot.exact > 0 && (last == nullptr || slot.last_used > last->last_used)) last = &slot;
  }
  if (last == nullptr) return {};
  return Tokens(last->tokens.begin(), last->tokens.begin() + last->exact);
}

llama_seq_id PrefixCache::SpareSequence() {
  if (context_->append_only()) {
    const llama_seq_id spare = BranchSequence(branches());
    context_->Trim(spare, 0);
    return spare;
  }
  Attach(branches() - 1, kNoSlot, 0);
  return BranchSequence(branches() - 1);
}

Result<std::vector<uint8_t>> PrefixCache::SaveCells(int slot, int length) {
  // SaveCells() needs the cells in sequence 0, so move its own to a spare sequence. Metadata only.
  const int own_length = Length(0);
  const llama_seq_id spare = SpareSequence();
  context_->Share(0, spare, 0, own_length);
  context_->Trim(0, 0);
  std::vector<uint8_t> data;
  Status status;
  for (int from = 0; from < length && status.ok();) {
    const int to = std::min(length, from + context_->max_saved_cells());
    context_->Share(slot == 0 ? spare : slot, 0, from, to);
    const size_t start = data.size();
    data.resize(start + sizeof(uint64_t));
    status = context_->SaveCells(from, to, &data);
    const uint64_t size = data.size() - start - sizeof(uint64_t);
    std::memcpy(data.data() + start, &size, sizeof size);
    context_->Trim(0, 0);
    from = to;
  }
  context_->Share(spare, 0, 0, own_length);
  context_->Trim(spare, 0);
  if (!status.ok()) return status;
  return data;
}

Status PrefixCache::LoadCells(const Tokens& prompt, const uint8_t* data, size_t size, const float* row) {
  DropLostSequences();
  const int length = static_cast<int>(prompt.size());
  const int index = OldestSlot(-1);
  TrimSlot(index, 0);
  MakeRoom(length, index);
  const llama_seq_id spare = SpareSequence();
  Status status;
  for (int from = 0; from < length && status.ok();) {
    const int to = std::min(length, from + context_->max_saved_cells());
    uint64_t part = 0;
    if (size >= sizeof part) {
      std::memcpy(&part, data, sizeof part);
      data += sizeof part;
      size -= sizeof part;
    }
    if (part == 0 || part > size || (to == length && part != size)) {
      status = Status(Code::kStateMismatch, "The state lacks parts that its tokens require");
      break;
    }
    status = context_->LoadCells(spare, from, to, data, part);
    context_->Share(spare, index, from, to);
    context_->Trim(spare, 0);
    data += part;
    size -= part;
    from = to;
  }
  if (!status.ok()) {
    context_->Trim(index, 0);
    return status;
  }
  Slot& slot = slots_[static_cast<size_t>(index)];
  Extend(&slot, prompt, length);
  KeepRow(&slot, row);
  slot.last_used = ++clock_;
  return Status::Ok();
}

}  // namespace autocog
