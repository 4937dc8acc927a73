// See token_tree.h.

#include "engine/scoring/token_tree.h"

#include <algorithm>
#include <string>
#include <utility>

namespace autocog {

Result<TokenTree> TokenTree::Make(std::vector<int32_t> tokens, std::vector<int32_t> parents, std::vector<uint8_t> flags,
                                  const Vocabulary& vocabulary) {
  if (parents.empty() || tokens.size() != parents.size() || flags.size() != parents.size()) {
    return Status(Code::kInvalidArgument, "Expected tokens, parents and flags of equal length, at least 1");
  }
  TokenTree tree;
  const size_t size = parents.size();
  tree.depths_.resize(size, 0);
  tree.children_.resize(size);
  for (size_t i = 1; i < size; ++i) {
    const int32_t parent = parents[i];
    // In depth-first order, the parent is the previous node or one of its ancestors.
    int32_t ancestor = static_cast<int32_t>(i) - 1;
    while (ancestor > parent) ancestor = parents[static_cast<size_t>(ancestor)];
    if (parent < 0 || ancestor != parent) {
      return Status(Code::kInvalidArgument, "Expected nodes in depth-first order, got parent " +
                                                std::to_string(parent) + " of node " + std::to_string(i));
    }
    if (!vocabulary.Contains(tokens[i])) {
      return Status(Code::kOutOfRange, "Expected token ids from 0 to " + std::to_string(vocabulary.size() - 1) +
                                           ", got " + std::to_string(tokens[i]));
    }
    tree.depths_[i] = tree.depths_[static_cast<size_t>(parent)] + 1;
    tree.children_[static_cast<size_t>(parent)].push_back(static_cast<int>(i));
  }
  tree.tokens_ = std::move(tokens);
  tree.parents_ = std::move(parents);
  tree.flags_ = std::move(flags);
  tree.needs_row_.resize(size, 0);
  for (int i = 0; i < tree.size(); ++i) {
    bool needed = tree.needs_end(i);
    for (int child : tree.children(i)) needed = needed || !tree.given(child);
    tree.needs_row_[static_cast<size_t>(i)] = needed ? 1 : 0;
    if (i == 0 || (tree.children(i).empty() && !tree.needs_end(i))) continue;
    tree.decoded_.push_back(i);
    tree.decoded_depth_ = std::max(tree.decoded_depth_, tree.depth(i));
  }
  return tree;
}

TokenTree TokenTree::Root() {
  TokenTree tree;
  tree.tokens_ = {LLAMA_TOKEN_NULL};
  tree.parents_ = {-1};
  tree.flags_ = {0};
  tree.needs_row_ = {0};
  tree.depths_ = {0};
  tree.children_.resize(1);
  return tree;
}

int TokenTree::Add(int parent, llama_token token) {
  const int node = size();
  const int depth = depths_[static_cast<size_t>(parent)] + 1;
  tokens_.push_back(token);
  parents_.push_back(parent);
  flags_.push_back(0);
  needs_row_.push_back(0);
  depths_.push_back(depth);
  children_.emplace_back();
  children_[static_cast<size_t>(parent)].push_back(node);
  decoded_depth_ = std::max(decoded_depth_, depth);
  return node;
}

int TokenTree::Child(int parent, llama_token token) {
  const std::vector<int>& children = children_[static_cast<size_t>(parent)];
  const auto same = [&](int child) { return tokens_[static_cast<size_t>(child)] == token; };
  const auto found = std::find_if(children.begin(), children.end(), same);
  return found == children.end() ? Add(parent, token) : *found;
}

}  // namespace autocog
