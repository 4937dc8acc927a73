// The tokens of all thoughts as one growing tree after the prompt, and the logits after its nodes. Every
// token is decoded once, unless the KV cache has no room to keep it.

#ifndef AUTOCOG_ENGINE_AUTOMATON_THOUGHT_DECODER_H_
#define AUTOCOG_ENGINE_AUTOMATON_THOUGHT_DECODER_H_

#include <functional>
#include <memory>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/common/usage.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/scoring/token_tree.h"
#include "engine/scoring/tree_decoder.h"

namespace autocog {

class ThoughtDecoder {
 public:
  // Receives the logits after a node. Several calls may run at the same time.
  using OnRow = std::function<Status(int node, const float* row)>;

  // All references must outlive this. REQUIRES: a validated prompt that fits the context, and no path longer
  // than `max_depth`, which fits after it.
  ThoughtDecoder(Context* context, PrefixCache* cache, const Tokens& prompt, int max_depth);

  const TokenTree& tree() const { return tree_; }
  // The node after the parent's with this token, new or not.
  int Child(int parent, llama_token token) { return tree_.Child(parent, token); }
  // The tokens from the prompt on.
  Tokens TokensTo(int node) const;

  // Notes that the node and its ancestors are to be decoded. Returns how many of them were not before.
  int Count(int node);

  // Decodes the nodes, which are distinct, and passes their rows on. `open_nodes`: all nodes after which
  // thoughts may continue.
  Status Read(const std::vector<int>& nodes, const std::vector<OpenNode>& open_nodes, const OnRow& on_row,
              const Cancellation& cancellation, Usage* usage);
  // Gives up what is not needed for these nodes.
  void Keep(const std::vector<OpenNode>& open_nodes);

 private:
  // `nodes`, `rows`: how many more are to be decoded. Sets `root_left` if the row is left to the decoder.
  Status ReadRoot(const OnRow& on_row, int nodes, int rows, const Cancellation& cancellation, Usage* usage,
                  bool* root_left);

  Context* context_;
  PrefixCache* cache_;
  const Tokens& prompt_;
  const int max_depth_;
  TokenTree tree_ = TokenTree::Root();
  std::vector<uint8_t> read_;     // per node: whether its row was passed on
  std::vector<uint8_t> decoded_;  // per node: whether it or a descendant was
  std::vector<uint8_t> counted_;  // per node: whether Count() was called for it or a descendant
  std::unique_ptr<TreeDecoder> decoder_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_AUTOMATON_THOUGHT_DECODER_H_
