// Cells of the KV buffer as bytes, and back: the part of Context that sessions save and load
// states by. What llama.cpp would allocate for, or assert of, a header is checked before.

#include <cstring>
#include <exception>
#include <new>

#include "engine/common/assertion.h"
#include "engine/common/log.h"
#include "engine/context/context.h"

namespace autocog {

namespace {

// How llama.cpp's bytes begin: a magic number, a sequence, how many streams, how many cells.
// Then each cell: its position, how many sequences it is in, for some models more, and which.
constexpr size_t kStreamsAt = 8;
constexpr size_t kCountAt = 12;
constexpr size_t kCellsAt = 16;
constexpr size_t kPlainCell = 12;
constexpr size_t kCellWithMore = 24;

uint32_t ReadAt(const uint8_t* data, size_t at) {
  uint32_t value;
  std::memcpy(&value, data + at, sizeof value);
  return value;
}

// Whether cells of this many bytes are at the positions from `from` on, each in one sequence.
bool AreInOrder(const uint8_t* data, size_t size, size_t from, size_t count, size_t cell) {
  if ((size - kCellsAt) / cell < count) return false;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = kCellsAt + i * cell;
    if (ReadAt(data, at) != from + i || ReadAt(data, at + 4) != 1) return false;
  }
  return true;
}

bool Holds(const uint8_t* data, size_t size, int from, int to) {
  const auto first = static_cast<size_t>(from);
  const auto count = static_cast<size_t>(to - from);
  if (size < kCellsAt || ReadAt(data, kStreamsAt) != 1 || ReadAt(data, kCountAt) != count) return false;
  return AreInOrder(data, size, first, count, kPlainCell) || AreInOrder(data, size, first, count, kCellWithMore);
}

}  // namespace

// Cells that the sequence's last token does not see through a sliding window are not written, and
// branches return to them: so no more at a time than all see of each other.
int Context::most_saved() const {
  const int window = model_->info().sliding_window;
  return window > 0 ? window : cells_;
}

Status Context::SaveCells(int from, int to, std::vector<uint8_t>* data) {
  LogCapture log;
  AssertionGuard guard;
  try {
    const size_t start = data->size();
    const size_t size = llama_state_seq_get_size(context_, 0);
    data->resize(start + size);
    if (llama_state_seq_get_data(context_, data->data() + start, size, 0) != size) {
      return Status(Code::kInternal, "llama.cpp did not save the state", log.text());
    }
    if (Holds(data->data() + start, size, from, to)) return Status::Ok();
    return Status(Code::kNotSupported, "The state of this model cannot be saved: its cache is of another kind");
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory to save the state");
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "llama.cpp failed to save the state", error.what());
  }
}

Status Context::LoadCells(llama_seq_id sequence, int from, int to, const uint8_t* data, size_t size) {
  if (!Holds(data, size, from, to)) {
    return Status(Code::kStateMismatch, "The state does not hold the cells of its tokens");
  }
  LogCapture log;
  AssertionGuard guard;
  std::string failure;
  try {
    if (llama_state_seq_set_data(context_, data, size, sequence) == size &&
        llama_memory_seq_pos_min(memory_, sequence) == from && llama_memory_seq_pos_max(memory_, sequence) == to - 1) {
      return Status::Ok();
    }
    failure = log.text();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  Trim(sequence, 0);
  return Status(Code::kStateMismatch, "llama.cpp refuses the state", failure);
}

}  // namespace autocog
