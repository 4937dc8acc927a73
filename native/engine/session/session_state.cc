// The methods of Session that save and load a prompt's state. See session.h.

#include <cmath>
#include <exception>
#include <new>
#include <utility>

#include "engine/scoring/log_softmax.h"
#include "engine/session/session.h"

namespace autocog {

namespace {

Status NoStates() {
  return Status(Code::kNotSupported, "An encoder-decoder has no states: llama.cpp does not save what its encoder read");
}

}  // namespace

Result<SavedState> Session::SaveState(const Tokens& prompt, const Cancellation& cancellation) {
  if (context_->has_encoder()) return NoStates();
  try {
    SavedState state;
    state.tokens = prompt.empty() ? cache_.LastUsedPrompt() : prompt;
    if (state.tokens.empty()) return state;
    if (Status status = CheckPrompt(state.tokens, 0); !status.ok()) return status;
    PromptRequest request;
    request.rows = {static_cast<int>(state.tokens.size()) - 1};
    request.on_row = [&](size_t, const float* row) { state.row.assign(row, row + context_->vocabulary_size()); };
    Stopwatch watch(&state.usage.prompt_ms);
    auto slot = cache_.Ensure(state.tokens, request, cancellation, &state.usage);
    if (!slot.ok()) return slot.status();
    auto cells = cache_.SaveCells(slot.value(), static_cast<int>(state.tokens.size()));
    if (Status status = CheckServers(); !status.ok()) return status;
    if (!cells.ok()) return cells.status();
    state.cells = std::move(cells.value());
    return state;
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory to save the state");
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The engine failed", error.what());
  }
}

Result<Usage> Session::LoadState(const Tokens& tokens, const uint8_t* cells, size_t size, const std::vector<float>& row,
                                 const Cancellation& cancellation) {
  if (cancellation.requested()) return cancellation.status();
  if (context_->has_encoder()) return NoStates();
  if (Status status = CheckPrompt(tokens, 0); !status.ok()) return status;
  if (row.size() != static_cast<size_t>(context_->vocabulary_size())) {
    return Status(Code::kStateMismatch, "The state has " + std::to_string(row.size()) +
                                            " logits, for a vocabulary of " +
                                            std::to_string(context_->vocabulary_size()));
  }
  if (!std::isfinite(LogSumExp(row.data(), row.size()))) {
    return Status(Code::kStateMismatch, "The state has logits that are not finite");
  }
  try {
    Usage usage;
    Stopwatch watch(&usage.prompt_ms);
    usage.prompt_tokens = static_cast<int>(tokens.size());
    Status status = cache_.LoadCells(tokens, cells, size, row.data());
    if (Status lost = CheckServers(); !lost.ok()) return lost;
    if (!status.ok()) return status;
    return usage;
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory to load the state");
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The engine failed", error.what());
  }
}

}  // namespace autocog
