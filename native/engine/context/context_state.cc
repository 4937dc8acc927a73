// Serializes cells of the KV cache: the part of Context that saves and loads session states. Headers are
// validated before llama.cpp allocates memory for them or asserts on them.

#include <cstring>
#include <exception>
#include <new>

#include "engine/common/assertion.h"
#include "engine/common/log.h"
#include "engine/context/cell_values.h"
#include "engine/context/context.h"

namespace autocog {

namespace {

// The header of llama.cpp's format: magic number, sequence id, number of streams, number of cells. Each
// cell follows: its position, its number of sequences, extra data for some models, its sequence ids.
constexpr size_t kSequenceHeaderSize = 8;
constexpr size_t kStreamsOffset = kSequenceHeaderSize;
constexpr size_t kCountOffset = 12;
constexpr size_t kCellsOffset = 16;
constexpr size_t kCellSize = 12;
constexpr size_t kExtendedCellSize = 24;

uint32_t ReadAt(const uint8_t* data, size_t offset) {
  uint32_t value;
  std::memcpy(&value, data + offset, sizeof value);
  return value;
}

// Whether the cells have the positions [from, from + count), each once, and one sequence each. Their order is
// that of the cells in the buffer: where a prompt wraps around its end, later positions come first.
bool HaveAllPositions(const uint8_t* data, size_t size, size_t from, size_t count, size_t cell_size) {
  if ((size - kCellsOffset) / cell_size < count) return false;
  std::vector<bool> seen(count);
  for (size_t i = 0; i < count; ++i) {
    const size_t offset = kCellsOffset + i * cell_size;
    const size_t position = ReadAt(data, offset);
    if (position < from || position - from >= count || seen[position - from]) return false;
    if (ReadAt(data, offset + sizeof(uint32_t)) != 1) return false;
    seen[position - from] = true;
  }
  return true;
}

bool HasPositions(const uint8_t* data, size_t size, int from, int to) {
  const auto first = static_cast<size_t>(from);
  const auto count = static_cast<size_t>(to - from);
  if (size < kCellsOffset || ReadAt(data, kStreamsOffset) != 1 || ReadAt(data, kCountOffset) != count) return false;
  return HaveAllPositions(data, size, first, count, kCellSize) ||
         HaveAllPositions(data, size, first, count, kExtendedCellSize);
}

// A recurrent state has a header, too: the number of cells, and of its only cell the position and the
// number of sequences, which is omitted. It follows the cells of the hybrid's KV cache, if there is one,
// from `start` on.
bool HasStateOf(const uint8_t* data, size_t size, size_t start, int to) {
  constexpr size_t kPositionOffset = 4;
  constexpr size_t kSequencesOffset = 8;
  constexpr size_t kHeaderSize = 12;
  return size - start >= kHeaderSize && ReadAt(data, start) == 1 &&
         ReadAt(data, start + kPositionOffset) == static_cast<uint32_t>(to - 1) &&
         ReadAt(data, start + kSequencesOffset) == 0;
}

}  // namespace

// llama.cpp does not save cells outside of the last token's sliding window, but branches may return to
// them. So limit each part to cells that all lie within one window. Append-only sequences never go back.
int Context::max_saved_cells() const {
  const int window = model_->info().sliding_window;
  return window > 0 && !append_only() ? window : cells_;
}

size_t Context::StatePrefixSize() const { return memory_kind_ == SequenceMemory::kStates ? sizeof(uint64_t) : 0; }

bool Context::HasTokens(const uint8_t* data, size_t size, int from, int to) const {
  switch (memory_kind_) {
    case SequenceMemory::kCells:
      return HasPositions(data, size, from, to);
    case SequenceMemory::kStreams:
      return false;
    case SequenceMemory::kStates:
      break;
  }
  uint64_t state = 0;
  if (size < sizeof state + kSequenceHeaderSize) return false;
  std::memcpy(&state, data, sizeof state);
  data += sizeof state;
  size -= sizeof state;
  if (state < kSequenceHeaderSize || state > size) return false;
  const size_t start = size - (state - kSequenceHeaderSize);
  return HasStateOf(data, size, start, to) && (model_->info().recurrent || HasPositions(data, start, from, to));
}

Status Context::SaveCells(int from, int to, std::vector<uint8_t>* data) {
  LogCapture log;
  AssertionGuard guard;
  try {
    if (memory_kind_ == SequenceMemory::kStates) {
      // Where the recurrent state starts cannot be seen from the data.
      const uint64_t size = llama_state_seq_get_size_ext(context_, 0, LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY);
      data->insert(data->end(), sizeof size, 0);
      std::memcpy(data->data() + data->size() - sizeof size, &size, sizeof size);
    }
    const size_t start = data->size();
    const size_t size = llama_state_seq_get_size(context_, 0);
    data->resize(start + size);
    if (llama_state_seq_get_data(context_, data->data() + start, size, 0) != size) {
      return Status(Code::kInternal, "llama.cpp did not save the state", log.text());
    }
    const size_t whole = start - StatePrefixSize();
    if (HasTokens(data->data() + whole, data->size() - whole, from, to)) return Status::Ok();
    return Status(Code::kNotSupported,
                  "The state of this model cannot be saved: llama.cpp does not save its kind of KV cache completely");
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory to save the state");
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "llama.cpp failed to save the state", error.what());
  }
}

Status Context::LoadCells(llama_seq_id sequence, int from, int to, const uint8_t* data, size_t size) {
  if (!HasTokens(data, size, from, to)) {
    return Status(Code::kStateMismatch, "The state does not contain the cells of its tokens");
  }
  data += StatePrefixSize();
  size -= StatePrefixSize();
  LogCapture log;
  AssertionGuard guard;
  std::string failure;
  try {
    if (llama_state_seq_set_data(context_, data, size, sequence) == size &&
        (append_only() || llama_memory_seq_pos_min(memory_, sequence) == from) &&
        llama_memory_seq_pos_max(memory_, sequence) == to - 1 && !HasNonFiniteCells(context_)) {
      return Status::Ok();
    }
    failure = log.text();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  Trim(sequence, 0);
  // The data that was written before the failure stays where later prompts mask it.
  has_bad_cells_ = has_bad_cells_ || HasNonFiniteCells(context_);
  return Status(Code::kStateMismatch, "llama.cpp rejects the state", failure);
}

}  // namespace autocog
