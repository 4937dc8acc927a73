// See token_trie.h.

#include "engine/model/token_trie.h"

#include <algorithm>

namespace autocog {

TokenTrie::TokenTrie(const std::vector<std::string>& bytes) {
  starts_.reserve(bytes.size() + 1);
  for (size_t id = 0; id < bytes.size(); ++id) {
    starts_.push_back(bytes_.size());
    if (bytes[id].empty() || bytes[id].front() == '\0') continue;
    bytes_ += bytes[id];
    tokens_.push_back(static_cast<llama_token>(id));
  }
  starts_.push_back(bytes_.size());
  std::sort(tokens_.begin(), tokens_.end(), [this](llama_token a, llama_token b) {
    const std::string_view first = Bytes(a);
    const std::string_view second = Bytes(b);
    return first < second || (first == second && a < b);
  });
  // The nodes on the path to the last text, from the root.
  std::vector<size_t> path;
  std::string_view last;
  const auto close = [&](size_t depth) {
    for (; path.size() > depth; path.pop_back()) nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
  };
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view text = Bytes(tokens_[i]);
    const auto shared = std::mismatch(text.begin(), text.end(), last.begin(), last.end()).first - text.begin();
    close(static_cast<size_t>(shared));
    for (size_t at = static_cast<size_t>(shared); at < text.size(); ++at) {
      path.push_back(nodes_.size());
      const auto depth = static_cast<uint32_t>(at + 1);
      max_depth_ = std::max(max_depth_, depth);
      nodes_.push_back({0, static_cast<uint32_t>(i), depth, static_cast<uint8_t>(text[at])});
    }
    last = text;
  }
  close(0);
  nodes_.push_back({0, static_cast<uint32_t>(tokens_.size()), 0, 0});
}

std::string_view TokenTrie::Bytes(llama_token token) const {
  const auto id = static_cast<size_t>(token);
  return std::string_view(bytes_).substr(starts_[id], starts_[id + 1] - starts_[id]);
}

}  // namespace autocog
