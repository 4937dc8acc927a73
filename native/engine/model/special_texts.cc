// See special_texts.h. The order is that of llama.cpp's tokenizer_st_partition, which takes a time that is
// quadratic in the number of tokens found.

#include "engine/model/special_texts.h"

#include <algorithm>
#include <functional>

namespace autocog {

namespace {

// Set in the attributes of tokens that are found without `parse_special`.
constexpr int kAlwaysFound = 1 << 30;

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

uint32_t SpecialTexts::Next(uint32_t node, char byte) const {
  const auto edge = edges_.find((uint64_t{node} << 8) | static_cast<unsigned char>(byte));
  return edge == edges_.end() ? 0 : edge->second;
}

void SpecialTexts::Add(const std::string& text, llama_token_attr attributes) {
  if (text.empty()) return;
  uint32_t node = 0;
  for (const char c : text) {
    uint32_t next = Next(node, c);
    if (next == 0) {
      next = static_cast<uint32_t>(attributes_.size());
      edges_.emplace((uint64_t{node} << 8) | static_cast<unsigned char>(c), next);
      attributes_.push_back(0);
    }
    node = next;
  }
  constexpr int kControl = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN;
  attributes_[node] |= attributes | ((attributes & kControl) == 0 ? kAlwaysFound : 0);
  first_bytes_.set(static_cast<unsigned char>(text.front()));
  const auto length = static_cast<uint32_t>(text.size());
  const auto place = std::lower_bound(lengths_.begin(), lengths_.end(), length, std::greater<uint32_t>());
  if (place == lengths_.end() || *place != length) lengths_.insert(place, length);
}

template <typename Use>
void SpecialTexts::EachAt(const std::string& text, size_t at, bool parse_special, const Use& use) const {
  uint32_t node = 0;
  for (size_t i = at; i < text.size(); ++i) {
    node = Next(node, text[i]);
    if (node == 0) return;
    const int attributes = attributes_[node];
    if (parse_special ? attributes != 0 : (attributes & kAlwaysFound) != 0)
      use(Match{at, static_cast<uint32_t>(i + 1 - at), attributes});
  }
}

std::vector<size_t> SpecialTexts::Find(const std::string& text, bool parse_special) const {
  std::vector<Match> longest;
  for (size_t at = 0; at < text.size(); ++at) {
    if (!first_bytes_.test(static_cast<unsigned char>(text[at]))) continue;
    Match last{at, 0, 0};
    EachAt(text, at, parse_special, [&](const Match& match) { last = match; });
    if (last.length > 0) longest.push_back(last);
  }
  if (longest.empty()) return {};
  std::vector<size_t> starts;
  std::vector<bool> covered(text.size());
  for (const uint32_t length : lengths_) {
    // The end of the last token of this length that was found, and its start.
    size_t end = 0;
    size_t start = 0;
    for (const Match& each : longest) {
      if (each.length < length) continue;
      Match match = each;
      if (each.length > length) {
        match.length = 0;
        EachAt(text, each.at, parse_special, [&](const Match& shorter) {
          if (shorter.length == length) match = shorter;
        });
        if (match.length == 0) continue;
      }
      const size_t at = match.at;
      if (at < end) {
        // Of two different tokens of one length, the vocabulary's order decides.
        if (at > start && text.compare(at, length, text, start, length) != 0) return {};
        continue;
      }
      const auto first = covered.begin() + static_cast<std::ptrdiff_t>(at);
      const auto last = first + static_cast<std::ptrdiff_t>(length);
      if (std::find(first, last, true) != last) continue;
      start = at;
      end = at + length;
      size_t from = at;
      if ((match.attributes & LLAMA_TOKEN_ATTR_LSTRIP) != 0) {
        while (from > 0 && !covered[from - 1] && IsSpace(text[from - 1])) --from;
      }
      size_t to = end;
      if ((match.attributes & LLAMA_TOKEN_ATTR_RSTRIP) != 0) {
        while (to < text.size() && !covered[to] && IsSpace(text[to])) ++to;
      }
      std::fill(covered.begin() + static_cast<std::ptrdiff_t>(from), covered.begin() + static_cast<std::ptrdiff_t>(to),
                true);
      starts.push_back(from);
    }
  }
  std::sort(starts.begin(), starts.end());
  return starts;
}

}  // namespace autocog
