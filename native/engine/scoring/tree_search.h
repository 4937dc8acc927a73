// Best-first search over a token tree (branch and bound): skips nodes that cannot affect the answer. The
// computed scores equal those of TreeScorer.

#ifndef AUTOCOG_ENGINE_SCORING_TREE_SEARCH_H_
#define AUTOCOG_ENGINE_SCORING_TREE_SEARCH_H_

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/context/context.h"
#include "engine/context/prefix_cache.h"
#include "engine/scoring/choice_bounds.h"
#include "engine/scoring/row_reader.h"
#include "engine/scoring/token_tree.h"

namespace autocog {

// Scores nodes until `request` is answered. Scores of other nodes are NaN. REQUIRES: a validated prompt;
// prompt and tree fit the context; CheckSearch() is OK; `end_tokens` are in the vocabulary.
Result<TreeScores> SearchTree(Context* context, PrefixCache* cache, const Tokens& prompt, const TokenTree& tree,
                              const Tokens& end_tokens, const SearchRequest& request, bool details,
                              const Cancellation& cancellation);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_TREE_SEARCH_H_
