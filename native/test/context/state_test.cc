// Saved states without the hashes that protect them: whatever the bytes are, a session either rejects or
// loads them, and remains usable.

#include <algorithm>
#include <random>

#include "engine/session/session.h"
#include "test/common/check.h"
#include "test/session/session_support.h"

using autocog::Code;
using autocog::SavedState;
using autocog::Session;
using autocog::Tokens;
using autocog::test::Never;
using autocog::test::Open;
using autocog::test::RandomPrompt;

namespace {

SavedState Save(Session* session, const Tokens& prompt) {
  auto state = session->SaveState(prompt, Never());
  EXPECT(state.ok());
  return std::move(state.value());
}

}  // namespace

TEST_CASE("a saved prompt is restored exactly") {
  std::mt19937 random(3);
  for (const char* type : {"F32", "Q8_0"}) {
    auto session = Open(type);
    const Tokens prompt = RandomPrompt(&random, 40);
    SavedState state = Save(session.get(), prompt);
    auto expected = session->LogProbs(prompt, Never());
    auto fresh = Open(type);
    auto usage = fresh->LoadState(state.tokens, state.cells.data(), state.cells.size(), state.row, Never());
    EXPECT(usage.ok());
    auto actual = fresh->LogProbs(prompt, Never());
    EXPECT(actual.value().usage.decoded_tokens == 0);
    EXPECT(actual.value().values == expected.value().values);
  }
}

TEST_CASE("an empty session saves an empty state") {
  auto session = Open("F32");
  EXPECT(Save(session.get(), {}).tokens.empty());
  auto overflow = session->SaveState(Tokens(100'000, 1), Never());
  EXPECT(!overflow.ok() && overflow.status().code() == Code::kContextOverflow);
}

TEST_CASE("modified or truncated cells are rejected or loaded, and the session remains usable") {
  std::mt19937 random(5);
  auto session = Open("F32");
  const Tokens prompt = RandomPrompt(&random, 12);
  const SavedState state = Save(session.get(), prompt);
  const auto load = [&](const std::vector<uint8_t>& cells) {
    return session->LoadState(prompt, cells.data(), cells.size(), state.row, Never());
  };
  // What precedes the first layer's keys: sizes, cells, types.
  const size_t head = 8 + 16 + 12 * prompt.size() + 20;
  int rejected = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<uint8_t> cells = state.cells;
    if (round % 4 == 0) {
      cells.resize(random() % cells.size());
    } else {
      cells[random() % (round % 2 == 0 ? cells.size() : head)] ^= static_cast<uint8_t>(1 + random() % 255);
    }
    auto usage = load(cells);
    if (!usage.ok()) {
      ++rejected;
      EXPECT(usage.status().code() == Code::kStateMismatch);
    }
  }
  EXPECT(rejected > 200);
  EXPECT(load(state.cells).ok());
  EXPECT(session->LogProbs(prompt, Never()).value().usage.decoded_tokens == 0);
  auto short_row = session->LoadState(prompt, state.cells.data(), state.cells.size(), {1.0f}, Never());
  EXPECT(!short_row.ok() && short_row.status().code() == Code::kStateMismatch);
}
