// Keeps prompts in the KV buffer. A few sequences are prompt slots; the others are branches
// that hang on one slot while a tree is scored. The context is the session's, and so is the
// thread. Invariant between calls: a slot's sequence holds exactly the positions of its
// `tokens`, and a branch holds exactly the first `length` positions of its slot.

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

// What a caller wants of a prompt.
struct PromptRequest {
  // Ascending positions whose logits are wanted; may be empty.
  std::vector<int> rows;
  // Gets each wanted row, in order: its index in `rows`, and the logits, valid in the call.
  std::function<void(size_t, const float*)> on_row;
  // Take cells that Append() made, too. Faster to go on from, other in the last digits.
  bool reuse_appended = false;
  // Where no more tokens than this are missing, the caller decodes them together with its own:
  // a decode less. See PrefixCache::Left().
  int leave = 0;
};

class PrefixCache {
 public:
  // For branches that hang on no prompt.
  static constexpr int kNoSlot = -1;

  // `context` must outlive this. REQUIRES: 0 < slots <= context->sequences() - 2.
  PrefixCache(Context* context, int slots);

  // Makes `prompt` the first positions of a slot and hands out the rows that are wanted.
  // Gives the slot. Everything is decoded with Kernels::kBatch.
  // On failure the cache holds what was certain before, and what was decoded in full since.
  // REQUIRES: 0 < prompt.size() <= context->context_size(), tokens in the vocabulary.
  Result<int> Ensure(const Tokens& prompt, const PromptRequest& request, const Cancellation& cancellation,
                     Usage* usage);

  // How many of the prompt's last tokens Ensure() left to the caller, none of whose rows were
  // handed out. The caller decodes them in the slot's sequence and in those of branches that are
  // attached up to there, and then either Adopt()s or Abandon()s them.
  int Left(int slot, const Tokens& prompt) const { return std::max(0, static_cast<int>(prompt.size()) - Length(slot)); }
  // They were decoded, by Kernels::kBatch, in the slot and in the first `branches` branches.
  // `row` has the logits after the last, or is null.
  void Adopt(int slot, const Tokens& prompt, int branches, const float* row);
  // They may have been decoded in part.
  void Abandon(int slot);

  // Shortens a slot, and the branches on it, to its first `length` tokens.
  void TrimSlot(int slot, int length);

  // Appends one token to a slot, by the kernels for one token, and gives its logits.
  Result<const float*> Append(int slot, llama_token token, const Cancellation& cancellation, Usage* usage);

  // Removes the `count` positions from `from` on and moves up those behind them. What is behind
  // was computed with the removed in view, so it is good to go on writing from and for nothing
  // else: no later prompt finds it. REQUIRES: context->CanShift().
  void ShiftSlot(int slot, int from, int count);

  // Branches: sequence ids for tokens that follow the first `length` positions of a slot, or
  // nothing: kNoSlot and 0.
  int branches() const { return static_cast<int>(branches_.size()); }
  llama_seq_id BranchSequence(int branch) const { return slots() + branch; }
  void Attach(int branch, int slot, int length);
  // Removes what was decoded on the branch beyond the length that it is attached with.
  void TrimBranch(int branch);

  // A branch that stands on its own: it keeps the first `length` positions of the slot whatever
  // becomes of that, and `cells` of the buffer are spoken for until Release().
  void Pin(int branch, int slot, int length, int cells);
  void Release(int branch, int cells);
  // Cells that no pinned branch has spoken for.
  int unclaimed() const { return context_->cells() - claimed_; }

  // Cells that are certainly free, after giving up other prompts than that of `slot` (which may
  // be kNoSlot), least recently used first, as long as there are fewer than `wanted`.
  int MakeRoom(int wanted, int slot);

  // Forgets every prompt.
  void Clear();

  int slots() const { return static_cast<int>(slots_.size()); }

  // The tokens of the slot that was used last, those decoded with Kernels::kBatch; may be none.
  Tokens LastUsed() const;
  // The cells of a slot's first `length` tokens, a part at a time as Context::SaveCells() writes
  // them, each after its size.
  Result<std::vector<uint8_t>> SaveCells(int slot, int length);
  // Makes saved cells a slot's, with the row of logits after the last, in place of the prompt that
  // was used longest ago and of as many more as there have to be. On failure that slot is empty.
  Status LoadCells(const Tokens& prompt, const uint8_t* data, size_t size, const float* row);

 private:
  struct Slot {
    Tokens tokens;
    // The first so many tokens were decoded with Kernels::kBatch.
    int exact = 0;
    // From here on, what is written lost some of its context: see ShiftSlot(). -1: nowhere.
    int shifted = -1;
    // The kept row of logits and the position it belongs to, or -1.
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
  // The slot that is to hold `prompt`, with as much of it as can be reused.
  int Route(const Tokens& prompt, const PromptRequest& request, int* reused);
  // The prompt's tokens up to `length` were decoded in the slot, by Kernels::kBatch.
  void Extend(Slot* slot, const Tokens& prompt, int length);
  // Keeps the row after the slot's last token, if it is exact.
  void KeepRow(Slot* slot, const float* row);
  Status DecodeRest(int slot, const Tokens& prompt, const PromptRequest& request, const Cancellation& cancellation,
                    Usage* usage);

  // An empty sequence, until a branch is attached.
  llama_seq_id SpareSequence();

  Context* context_;
  std::vector<Slot> slots_;
  std::vector<Branch> branches_;
  int claimed_ = 0;  // cells that pinned branches may fill
  uint64_t clock_ = 0;
  Batch batch_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_CONTEXT_PREFIX_CACHE_H_
