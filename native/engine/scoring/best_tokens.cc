// See best_tokens.h.

#include "engine/scoring/best_tokens.h"

#include <algorithm>
#include <numeric>

namespace autocog {

void FindBestTokens(const float* row, size_t size, size_t count, Tokens* tokens) {
  tokens->resize(size);
  std::iota(tokens->begin(), tokens->end(), 0);
  const size_t kept = std::min(size, count);
  const auto better = [row](llama_token a, llama_token b) { return row[a] > row[b] || (row[a] == row[b] && a < b); };
  std::partial_sort(tokens->begin(), tokens->begin() + static_cast<std::ptrdiff_t>(kept), tokens->end(), better);
  tokens->resize(kept);
}

}  // namespace autocog
