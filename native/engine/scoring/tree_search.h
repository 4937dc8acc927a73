// Best-first scoring of a token tree: what cannot be among the best is never decoded. The
// numbers are those of TreeScorer, for fewer nodes.

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

// Scores nodes until `request` is answered; NaN stands for what was not looked at. The prompt
// must be checked already; prompt and tree must fit the context, CheckSearch() must be ok, and
// `end_tokens` in the vocabulary.
Result<TreeScores> SearchTree(Context* context, PrefixCache* cache, const Tokens& prompt, const TokenTree& tree,
                              const Tokens& end_tokens, const SearchRequest& request, bool details,
                              const Cancellation& cancellation);

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_SCORING_TREE_SEARCH_H_
