// Caches prompts in the KV cache. Some sequences are prompt slots; the others are branches, which are
// attached to a slot while a tree is scored. Used on the session's thread, with its context.
// Invariant between calls: a slot's sequence has exactly the positions of its `tokens`, and a branch
// has exactly the first `length` positions of its slot.
//
// Append-only sequences (see Context::append_only) cannot be cut: a slot serves only prompts that start
// with all of its tokens, and keeps its state when a longer prompt is decoded in another slot. If two
// prompts differ after a common prefix, the state at its end becomes a slot of its own, because further
// prompts are likely to share it. Branches are empty between calls.

#ifndef AUTOCOG_ENGINE_CONTEXT_PREFIX_CACHE_H_
#define AUTOCOG_ENGINE_CONTEXT_PREFIX_CACHE_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/common/usage.h"
#include "engine/context/context.h"
#include "engine/model/vocabulary.h"

namespace autocog {

// What to compute for a prompt.
struct PromptRequest {
  // The positions whose logits are requested, ascending; may be empty.
  std::vector<int> rows;
  // Called for each requested row, in order, with its index in `rows` and its logits, which are valid
  // during the call only.
  std::function<void(size_t, const float*)> on_row;
  // Also reuse cells decoded by Append(). Faster, but the results differ in the last digits.
  bool reuse_appended = false;
  // If at most this many tokens are missing, Ensure() leaves them to the caller, which saves a decode by
  // adding them to its own batch. See PrefixCache::Deferred().
  int max_deferred = 0;
};

class PrefixCache {
 public:
  // The slot of branches without a prompt.
  static constexpr int kNoSlot = -1;

  // `context` must outlive this. REQUIRES: 0 < slots <= context->sequences() - 2.
  PrefixCache(Context* context, int slots);

  // Makes `prompt` the first positions of a slot, passes the requested rows to on_row, and returns the
  // slot. Decodes with Kernels::kBatch. After a failure the cache holds what was valid before, and the
  // batches that were decoded successfully since.
  // REQUIRES: 0 < prompt.size() <= context->context_size(), tokens in the vocabulary.
  Result<int> Ensure(const Tokens& prompt, const PromptRequest& request, const Cancellation& cancellation,
                     Usage* usage);

  // The number of the prompt's last tokens that Ensure() left to the caller; none of their rows were
  // passed to on_row. The caller decodes them in the sequences of the slot and of branches attached up to
  // there, and then calls either CommitDeferred() or DiscardDeferred().
  int Deferred(int slot, const Tokens& prompt) const {
    return std::max(0, static_cast<int>(prompt.size()) - Length(slot));
  }
  // The deferred tokens were decoded with Kernels::kBatch in the slot and in the first `branches`
  // branches. `row` has the logits after the last one, or is null.
  void CommitDeferred(int slot, const Tokens& prompt, int branches, const float* row);
  // Decoding the deferred tokens failed: removes their cells.
  void DiscardDeferred(int slot);

  // Trims a slot and its branches to the first `length` tokens; append-only ones to none.
  void TrimSlot(int slot, int length);
  // Prepares Append() after a slot's first `length` tokens: trims the slot, or, if sequences are
  // append-only, returns a copy so that the slot's own state is kept. REQUIRES: append-only slots have
  // exactly `length` tokens.
  int PrepareAppend(int slot, int length);

  // Appends one token to a slot, using the single-token kernels, and returns its logits.
  Result<const float*> Append(int slot, llama_token token, const Cancellation& cancellation, Usage* usage);

  // Removes the positions [from, from + count) and shifts later ones down. The later cells were computed
  // with the removed ones in view, so they serve only to continue this generation: no later prompt
  // reuses them. REQUIRES: context->CanShift().
  void ShiftSlot(int slot, int from, int count);

  // Branches: sequences for tokens that follow the first `length` positions of a slot, or that start at
  // position 0 (kNoSlot, length 0). REQUIRES: append-only slots have exactly `length` positions.
  int branches() const { return static_cast<int>(branches_.size()); }
  llama_seq_id BranchSequence(int branch) const { return slots() + branch; }
  void Attach(int branch, int slot, int length);
  // Removes the branch's cells beyond the length with which it is attached; append-only branches are
  // emptied, and have to be attached again.
  void TrimBranch(int branch);

  // For append-only branches: moves all positions of `from` to `to`, or exchanges those of both.
  void MoveBranch(int from, int to);
  void SwapBranches(int a, int b);

  // Attaches a branch that is independent of the slot: it keeps the first `length` positions even if
  // the slot changes. Reserves `cells` cells of the KV cache until Release().
  void Pin(int branch, int slot, int length, int cells);
  void Release(int branch, int cells);
  // Cells that are not reserved by pinned branches.
  int unreserved() const { return context_->cells() - reserved_; }

  // Evicts prompts, least recently used first but never that of `slot` (which may be kNoSlot), until at
  // least `required` cells are free or nothing is left to evict. Returns a lower bound of the free cells.
  int MakeRoom(int required, int slot);

  // Removes all prompts.
  void Clear();
  // Removes all prompts and sets their cells to zero.
  void Erase();

  int slots() const { return static_cast<int>(slots_.size()); }

  // The tokens of the most recently used slot that were decoded with Kernels::kBatch; may be empty.
  Tokens LastUsedPrompt();
  // Serializes the cells of a slot's first `length` tokens, as parts of Context::SaveCells(), each
  // prefixed with its size.
  Result<std::vector<uint8_t>> SaveCells(int slot, int length);
  // Loads saved cells, and the row of logits after the last one, into the least recently used slot,
  // evicting further prompts if needed. After a failure that slot is empty.
  Status LoadCells(const Tokens& prompt, const uint8_t* data, size_t size, const float* row);

 private:
  struct Slot {
    Tokens tokens;
    // The number of leading tokens that were decoded with Kernels::kBatch.
    int exact = 0;
    // The first position whose context was shifted, see ShiftSlot(); -1 if none.
    int shifted = -1;
    // The position of the cached row of logits, or -1.
    int row_position = -1;
    std::vector<float> row;
    uint64_t last_used = 0;
  };
  struct Branch {
    int slot = kNoSlot;
    int length = 0;
  };

  int Length(int slot) const { return static_cast<int>(slots_[static_cast<size_t>(slot)].tokens.size()); }
  int CommonPrefix(const Slot& slot, const Tokens& prompt, bool reuse_appended) const;
  int BestSlot(const Tokens& prompt, bool reuse_appended, int* common) const;
  int OldestSlot(int except) const;
  // Selects the slot for `prompt` and sets `reused` to the number of tokens that it already has.
  int SelectSlot(const Tokens& prompt, const PromptRequest& request, int* reused);
  // Records that the prompt's tokens up to `length` were decoded in the slot with Kernels::kBatch.
  void Extend(Slot* slot, const Tokens& prompt, int length);
  // The same for append-only sequences.
  int SelectState(const Tokens& prompt, const PromptRequest& request, int* reused);
  // Whether the append-only slot can be extended to the prompt.
  bool CanExtend(const Slot& slot, const Tokens& prompt, const PromptRequest& request) const;
  // Makes the least recently used other slot a copy of this one and returns it; the slot itself if it is
  // the only one.
  int CopySlot(int slot);
  // The longest proper prefix of an append-only prompt that it has in common with a slot; 0 if there is
  // only one slot.
  int SharedPrefix(const Tokens& prompt) const;
  // Decodes batch_, which extends an append-only slot, and restores the slot after a failure.
  Status DecodeOrRestore(int slot, int free_cells, const Cancellation& cancellation, Usage* usage);
  // Ensure() without a second attempt.
  Result<int> Find(const Tokens& prompt, const PromptRequest& request, const Cancellation& cancellation, Usage* usage);
  // kDecodeFailed if a row of batch_ is not finite although it may be so because of other prompts' cells.
  Status CheckRows(bool has_old_cells);
  // Removes everything if a failed batch may have changed it, or values that are not finite are left.
  void DropLostSequences();
  // Caches the row after the slot's last token, if all tokens are exact.
  void KeepRow(Slot* slot, const float* row);
  // Decodes the tokens of the prompt that follow those of the slot. Returns the slot that has them, another
  // one if the state at position `keep` is kept in this one (0: nowhere).
  Result<int> DecodeRest(int slot, const Tokens& prompt, int keep, const PromptRequest& request,
                         const Cancellation& cancellation, Usage* usage);

  // An empty sequence for temporary use, valid until the next branch is attached. Append-only branches do
  // not include it, so that it can be used while all of them are in use.
  llama_seq_id SpareSequence();

  Context* context_;
  std::vector<Slot> slots_;
  std::vector<Branch> branches_;
  int reserved_ = 0;  // cells reserved by pinned branches
  uint64_t clock_ = 0;
  Batch batch_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_PREFIX_CACHE_H_
