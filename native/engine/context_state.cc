// Cells of the KV buffer as bytes, and back: the part of Context that sessions save and load
// states by. What llama.cpp would allocate for, or assert of, a header is checked before.

#include <cstring>
#include <exception>
#include <new>

#include "engine/assertion.h"
#include "engine/context.h"
#include "engine/log.h"

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

// Whether cells of this many bytes are at the positions from 0 on, each in one sequence.
bool AreInOrder(const uint8_t* data, size_t size, size_t length, size_t cell) {
  if ((size - kCellsAt) / cell < length) return false;
  for (size_t i = 0; i < length; ++i) {
    const size_t at = kCellsAt + i * cell;
    if (ReadAt(data, at) != i || ReadAt(data, at + 4) != 1) return false;
  }
  return true;
}

bool HoldsPrompt(const uint8_t* data, size_t size, int length) {
  const auto count = static_cast<size_t>(length);
  if (size < kCellsAt || ReadAt(data, kStreamsAt) != 1 || ReadAt(data, kCountAt) != count) return false;
  return AreInOrder(data, size, count, kPlainCell) || AreInOrder(data, size, count, kCellWithMore);
}

}  // namespace

Result<std::vector<uint8_t>> Context::SaveCells(int length) {
  const Status unfit(Code::kNotSupported, "The state of this model cannot be saved: its cache is of another kind");
  // A window's cells that the last token does not see are not written, but branches return to them.
  const int window = model_->info().sliding_window;
  if (window > 0 && length > window) {
    return Status(Code::kNotSupported, "The state of this model cannot be saved beyond its sliding window of " +
                                           std::to_string(window) + " tokens: the prompt has " +
                                           std::to_string(length));
  }
  LogCapture log;
  AssertionGuard guard;
  try {
    std::vector<uint8_t> data(llama_state_seq_get_size(context_, 0));
    const size_t written = llama_state_seq_get_data(context_, data.data(), data.size(), 0);
    if (written != data.size()) return Status(Code::kInternal, "llama.cpp did not save the state", log.text());
    if (!HoldsPrompt(data.data(), data.size(), length)) return unfit;
    return data;
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory to save the state");
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "llama.cpp failed to save the state", error.what());
  }
}

Status Context::LoadCells(llama_seq_id sequence, int length, const uint8_t* data, size_t size) {
  if (!HoldsPrompt(data, size, length)) {
    return Status(Code::kStateMismatch, "The state does not hold the cells of its tokens");
  }
  LogCapture log;
  AssertionGuard guard;
  std::string failure;
  try {
    if (llama_state_seq_set_data(context_, data, size, sequence) == size &&
        llama_memory_seq_pos_min(memory_, sequence) == 0 && llama_memory_seq_pos_max(memory_, sequence) == length - 1) {
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
