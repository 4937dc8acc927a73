// See thought.h.

#include "engine/automaton/thought.h"

#include <limits>

namespace autocog {

namespace {

// Calls visit(is_valid) for each character, or for each part of an invalid one that JavaScript replaces by
// U+FFFD: the longest prefix of a character that could still become valid, or a single byte.
template <typename Visit>
void ForEachCharacter(const std::string& text, const Visit& visit) {
  const auto at = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  for (size_t i = 0; i < text.size();) {
    const uint8_t first = at(i);
    const size_t length = first < 0x80   ? 1
                          : first < 0xc2 ? 0
                          : first < 0xe0 ? 2
                          : first < 0xf0 ? 3
                          : first < 0xf5 ? 4
                                         : 0;
    if (length == 0) {
      visit(size_t{0});
      ++i;
      continue;
    }
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    size_t valid = 1;
    while (valid < length && at(i + valid) >= low && at(i + valid) <= high) {
      ++valid;
      low = 0x80;
      high = 0xbf;
    }
    visit(valid == length ? length : size_t{0});
    i += valid;
  }
}

}  // namespace

int64_t ByteLength(const std::string& text) {
  constexpr int64_t kReplacement = 3;
  int64_t bytes = 0;
  ForEachCharacter(text, [&](size_t length) { bytes += length == 0 ? kReplacement : static_cast<int64_t>(length); });
  return bytes;
}

bool IsValidUtf8(const std::string& text) {
  bool valid = true;
  ForEachCharacter(text, [&](size_t length) { valid = valid && length > 0; });
  return valid;
}

bool HasWholeCharacters(const std::string& text) {
  return IsValidUtf8(text) && text.find("\xef\xbf\xbd") == std::string::npos;
}

double DivisorOf(Normalization normalize, int64_t tokens, const std::string& text) {
  int64_t length = 1;
  if (normalize == Normalization::kTokens) length = tokens;
  if (normalize == Normalization::kBytes) length = ByteLength(text);
  if (normalize == Normalization::kChars) {
    length = 0;
    ForEachCharacter(text, [&](size_t) { ++length; });
  }
  return static_cast<double>(std::max<int64_t>(1, length));
}

std::vector<double> ProbabilitiesOf(const std::vector<double>& scores, const std::vector<bool>& counts) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double best = -kInfinity;
  for (double score : scores) best = std::max(best, score);
  std::vector<double> probabilities(scores.size(), 0);
  if (best == -kInfinity) return probabilities;
  double total = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    probabilities[i] = std::exp(scores[i] - best);
    if (counts[i]) total += probabilities[i];
  }
  for (double& probability : probabilities) probability /= total;
  return probabilities;
}

void Prune(const Action& action, int rank, ThoughtNode* node) {
  if (rank >= action.width) {
    node->pruned = Pruned::kWidth;
  } else if (rank > 0 && std::exp(node->score) < action.threshold) {
    node->pruned = Pruned::kThreshold;
  }
}

}  // namespace autocog
