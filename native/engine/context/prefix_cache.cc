// See prefix_cache.h.

#include "engine/context/prefix_cache.h"

#include <algorithm>
#include <utility>

namespace autocog {

namespace {

// A shorter common prefix is not worth a slot: decoding it again takes as long as a few single tokens.
constexpr int kMinSharedPrefix = 32;

}  // namespace

PrefixCache::PrefixCache(Context* context, int slots)
    : context_(context),
      slots_(static_cast<size_t>(slots)),
      branches_(static_cast<size_t>(context->sequences() - slots - (context->append_only() ? 1 : 0))) {}

int PrefixCache::CommonPrefix(const Slot& slot, const Tokens& prompt, bool reuse_appended) const {
  const size_t appended = slot.shifted < 0 ? slot.tokens.size() : static_cast<size_t>(slot.shifted);
  const size_t usable = reuse_appended ? appended : static_cast<size_t>(slot.exact);
  const size_t max_common = std::min(usable, prompt.size());
  size_t common = 0;
  while (common < max_common && slot.tokens[common] == prompt[common]) ++common;
  return static_cast<int>(common);
}

int PrefixCache::BestSlot(const Tokens& prompt, bool reuse_appended, int* common) const {
  int best = 0;
  *common = -1;
  for (int i = 0; i < slots(); ++i) {
    const Slot& slot = slots_[static_cast<size_t>(i)];
    const int candidate = CommonPrefix(slot, prompt, reuse_appended);
    if (candidate > *common || (candidate == *common && slot.last_used > slots_[static_cast<size_t>(best)].last_used)) {
      best = i;
      *common = candidate;
    }
  }
  return best;
}

int PrefixCache::OldestSlot(int except) const {
  int oldest = -1;
  for (int i = 0; i < slots(); ++i) {
    if (i == except) continue;
    if (oldest < 0 || slots_[static_cast<size_t>(i)].last_used < slots_[static_cast<size_t>(oldest)].last_used) {
      oldest = i;
    }
  }
  return oldest;
}

void PrefixCache::TrimSlot(int index, int length) {
  Slot& slot = slots_[static_cast<size_t>(index)];
  if (length >= Length(index)) return;
  if (context_->append_only()) length = 0;
  // Branches keep shared cells alive, so trim them as well.
  for (int i = 0; i < branches(); ++i) {
    Branch& branch = branches_[static_cast<size_t>(i)];
    if (branch.slot != index || branch.length <= length) continue;
    context_->Trim(BranchSequence(i), length);
    branch.length = length;
  }
  context_->Trim(index, length);
  slot.tokens.resize(static_cast<size_t>(length));
  slot.exact = std::min(slot.exact, length);
  if (slot.shifted >= length) slot.shifted = -1;
  if (slot.row_position >= length) slot.row_position = -1;
}

int PrefixCache::SelectSlot(const Tokens& prompt, const PromptRequest& request, int* reused) {
  const int length = static_cast<int>(prompt.size());
  int common = 0;
  const int best = BestSlot(prompt, request.reuse_appended, &common);
  const bool row_is_cached = request.rows.size() == 1 && request.rows.front() == length - 1 &&
                             slots_[static_cast<size_t>(best)].row_position == length - 1;
  // Logits require decoding: reuse only the tokens before the first requested row that is not cached.
  *reused = common;
  if (!request.rows.empty() && !(common == length && row_is_cached)) {
    *reused = std::min(common, request.rows.front());
  }
  if (*reused == length) return best;
  // If the prompt starts with all of the slot's tokens, extending the slot in place evicts nothing.
  if (common == Length(best) || slots() == 1) return best;
  const int target = common == 0 ? OldestSlot(-1) : OldestSlot(best);
  if (target == best) return best;
  TrimSlot(target, 0);
  const Slot& source = slots_[static_cast<size_t>(best)];
  Slot& copy = slots_[static_cast<size_t>(target)];
  context_->Share(best, target, 0, *reused);
  copy.tokens.assign(source.tokens.begin(), source.tokens.begin() + *reused);
  copy.exact = std::min(source.exact, *reused);
  return target;
}

Result<int> PrefixCache::Ensure(const Tokens& prompt, const PromptRequest& request, const Cancellation& cancellation,
                                Usage* usage) {
  if (cancellation.requested()) return cancellation.status();
  DropLostSequences();
  const bool has_old_cells = context_->has_old_cells();
  const auto [prompt_tokens, cached_tokens] = std::pair(usage->prompt_tokens, usage->cached_tokens);
  auto slot = Find(prompt, request, cancellation, usage);
  if (slot.ok() || !has_old_cells || !context_->has_bad_cells()) return slot;
  // Cells of other prompts may be the reason: try again without them.
  Erase();
  usage->prompt_tokens = prompt_tokens;
  usage->cached_tokens = cached_tokens;
  return Find(prompt, request, cancellation, usage);
}

Result<int> PrefixCache::Find(const Tokens& prompt, const PromptRequest& request, const Cancellation& cancellation,
                              Usage* usage) {
  const int length = static_cast<int>(prompt.size());
  int reused = 0;
  const bool append_only = context_->append_only();
  const int shared = append_only ? SharedPrefix(prompt) : 0;
  const int index = append_only ? SelectState(prompt, request, &reused) : SelectSlot(prompt, request, &reused);
  Slot& slot = slots_[static_cast<size_t>(index)];
  slot.last_used = ++clock_;
  usage->prompt_tokens += length;
  usage->cached_tokens += reused;
  if (reused < length) {
    TrimSlot(index, reused);
    if (length - reused <= request.max_deferred) return index;
    const int keep = shared >= reused + kMinSharedPrefix ? shared : 0;
    return DecodeRest(index, prompt, keep, request, cancellation, usage);
  }
  if (!request.rows.empty()) request.on_row(0, slot.row.data());
  return index;
}

void PrefixCache::Extend(Slot* slot, const Tokens& prompt, int length) {
  const auto start = static_cast<int>(slot->tokens.size());
  slot->tokens.insert(slot->tokens.end(), prompt.begin() + start, prompt.begin() + length);
  if (slot->exact == start) slot->exact = length;
}

void PrefixCache::KeepRow(Slot* slot, const float* row) {
  const auto length = static_cast<int>(slot->tokens.size());
  if (slot->exact != length) return;
  slot->row.assign(row, row + context_->vocabulary_size());
  slot->row_position = length - 1;
}

void PrefixCache::CommitDeferred(int index, const Tokens& prompt, int branches, const float* row) {
  Slot& slot = slots_[static_cast<size_t>(index)];
  const int length = static_cast<int>(prompt.size());
  Extend(&slot, prompt, length);
  for (int i = 0; i < branches; ++i) branches_[static_cast<size_t>(i)].length = length;
  if (row != nullptr) KeepRow(&slot, row);
}

void PrefixCache::DiscardDeferred(int index) { context_->Trim(index, Length(index)); }

Result<int> PrefixCache::DecodeRest(int index, const Tokens& prompt, int keep, const PromptRequest& request,
                                    const Cancellation& cancellation, Usage* usage) {
  const bool append_only = context_->append_only();
  const bool has_old_cells = context_->has_old_cells();
  const int length = static_cast<int>(prompt.size());
  auto requested = std::lower_bound(request.rows.begin(), request.rows.end(), Length(index));
  while (Length(index) < length) {
    const int start = Length(index);
    const int stop = start < keep ? keep : length;
    batch_.Clear();
    auto next = requested;
    for (int i = start; i < stop && batch_.size() < context_->max_tokens(); ++i) {
      const bool needs_row = next != request.rows.end() && *next == i;
      if (needs_row && batch_.rows() == context_->max_rows()) break;
      batch_.Add(prompt[static_cast<size_t>(i)], i, index, needs_row);
      if (needs_row) ++next;
    }
    const int end = start + batch_.size();
    // An append-only slot cannot go back for its last row.
    const bool keeps_row =
        append_only && end == stop && (batch_.outputs_logits(end - start - 1) || batch_.rows() < context_->max_rows());
    if (keeps_row) batch_.RequestLogits(batch_.size() - 1);
    const int free_cells = MakeRoom(end - start + 1, index) - (end - start);
    if (Status status = DecodeOrRestore(index, free_cells, cancellation, usage); !status.ok()) return status;
    if (Status status = CheckRows(has_old_cells); !status.ok()) return status;
    Extend(&slots_[static_cast<size_t>(index)], prompt, end);
    if (keeps_row || (requested != next && *(next - 1) == length - 1)) {
      KeepRow(&slots_[static_cast<size_t>(index)], context_->Row(end - start - 1));
    }
    for (; requested != next; ++requested) {
      request.on_row(static_cast<size_t>(requested - request.rows.begin()), context_->Row(*requested - start));
    }
    if (end == keep && end < length) index = CopySlot(index);
  }
  return index;
}

Status PrefixCache::CheckRows(bool has_old_cells) {
  // Without other cells, the rows are this prompt's own.
  if (!has_old_cells) return Status::Ok();
  for (int i = 0; i < batch_.size(); ++i) {
    if (batch_.outputs_logits(i)) context_->Row(i);
  }
  if (!context_->has_bad_cells()) return Status::Ok();
  return Status(Code::kDecodeFailed, "The model returned non-finite logits");
}

Result<const float*> PrefixCache::Append(int index, llama_token token, const Cancellation& cancellation, Usage* usage) {
  Slot& slot = slots_[static_cast<size_t>(index)];
  const int position = Length(index);
  MakeRoom(1, index);
  batch_.Clear();
  batch_.Add(token, position, index, true);
  Status status = context_->Decode(&batch_, Kernels::kAny, 0, cancellation, usage);
  if (!status.ok()) {
    if (context_->append_only()) {
      TrimSlot(index, 0);
    } else {
      context_->Trim(index, position);
    }
    return status;
  }
  slot.tokens.push_back(token);
  return context_->Row(0);
}

void PrefixCache::ShiftSlot(int index, int from, int count) {
  // A cell has a single position for all sequences that share it, so no other sequence may share cells.
  for (int i = 0; i < slots(); ++i) {
    if (i != index) TrimSlot(i, 0);
  }
  for (int i = 0; i < branches(); ++i) {
    Branch& branch = branches_[static_cast<size_t>(i)];
    if (branch.length > 0) context_->Trim(BranchSequence(i), 0);
    branch.length = 0;
  }
  Slot& slot = slots_[static_cast<size_t>(index)];
  context_->Shift(index, from, count);
  slot.tokens.erase(slot.tokens.begin() + from, slot.tokens.begin() + from + count);
  slot.exact = std::min(slot.exact, from);
  slot.shifted = slot.shifted < 0 ? from : std::min(slot.shifted, from);
  slot.row_position = -1;
}

void PrefixCache::Pin(int index, int slot, int length, int cells) {
  Attach(index, slot, length);
  branches_[static_cast<size_t>(index)] = {};
  reserved_ += cells;
}

void PrefixCache::Release(int index, int cells) {
  context_->Trim(BranchSequence(index), 0);
  reserved_ -= cells;
}

void PrefixCache::Attach(int index, int slot, int length) {
  Branch& branch = branches_[static_cast<size_t>(index)];
  const llama_seq_id sequence = BranchSequence(index);
  if (context_->append_only()) {
    context_->Trim(sequence, 0);
    if (slot != kNoSlot) context_->Share(slot, sequence, 0, length);
    branch.slot = slot;
    return;
  }
  if (branch.slot != slot) {
    if (branch.length > 0) context_->Trim(sequence, 0);
    branch.length = 0;
  }
  if (branch.length > length) context_->Trim(sequence, length);
  context_->Share(slot, sequence, branch.length, length);
  branch.slot = slot;
  branch.length = length;
}

void PrefixCache::TrimBranch(int index) {
  context_->Trim(BranchSequence(index), branches_[static_cast<size_t>(index)].length);
}

int PrefixCache::MakeRoom(int required, int keep) {
  for (;;) {
    // Shared cells are counted more than once, so this never overestimates the free cells.
    int used = reserved_;
    int oldest = -1;
    for (int i = 0; i < slots(); ++i) {
      used += Length(i);
      if (i == keep || Length(i) == 0) continue;
      if (oldest < 0 || slots_[static_cast<size_t>(i)].last_used < slots_[static_cast<size_t>(oldest)].last_used) {
        oldest = i;
      }
    }
    const int room = context_->cells() - used;
    if (room >= required || oldest < 0) return room;
    TrimSlot(oldest, 0);
  }
}

void PrefixCache::Clear() {
  if (context_->append_only() || context_->has_bad_cells()) context_->ClearSequences();
  for (int i = 0; i < slots(); ++i) TrimSlot(i, 0);
}

void PrefixCache::Erase() {
  context_->ClearSequences();
  Clear();
}

}  // namespace autocog
