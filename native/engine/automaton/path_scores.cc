// See path_scores.h.

#include "engine/automaton/path_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "engine/scoring/log_softmax.h"

namespace autocog {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Clamped to 0: rounding could make a probability near 1 greater than 1.
double LogProbability(double logit, double normalizer) { return std::min(0.0, logit - normalizer); }

// The order of paths in which those that share tokens are neighbors.
std::vector<size_t> SortedOrder(const std::vector<Tokens>& paths) {
  std::vector<size_t> order(paths.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return paths[a] < paths[b]; });
  return order;
}

}  // namespace

Result<PathScores::Placed> PathScores::Place(const Thought& thought) {
  const Action& action = search_->action(thought);
  ThoughtDecoder* decoder = search_->decoder;
  Placed placed;
  const Tokens context = search_->plan.healed ? decoder->TokensTo(thought.state.tip) : Tokens();
  auto joined = search_->joiner->Join(action.paths, context);
  if (!joined.ok()) return joined.status();
  placed.replaced = joined.value().replaced;
  placed.paths = std::move(joined.value().paths);
  placed.state = WithoutLast(*decoder, thought.state, placed.replaced, true);
  size_t deepest = 0;
  for (const Tokens& path : placed.paths) deepest = std::max(deepest, path.size());
  const size_t decoded = action.paths.ends || deepest == 0 ? deepest : deepest - 1;
  placed.fits = placed.state.values.size() + decoded <= static_cast<size_t>(search_->context->context_size());
  if (!placed.fits) return placed;
  placed.nodes.resize(placed.paths.size());
  for (size_t path : SortedOrder(placed.paths)) {
    int node = placed.state.tip;
    for (llama_token token : placed.paths[path]) {
      node = decoder->Child(node, token);
      placed.nodes[path].push_back(node);
    }
  }
  return placed;
}

void PathScores::RequestRow(int node) {
  if (requested_[static_cast<size_t>(node)] != 0) return;
  requested_[static_cast<size_t>(node)] = 1;
  rows_.push_back(node);
}

void PathScores::Request(const Action& action, const Placed& placed) {
  for (size_t path : SortedOrder(placed.paths)) {
    int parent = placed.state.tip;
    for (int node : placed.nodes[path]) {
      if (std::isnan(logprobs_[static_cast<size_t>(node)])) RequestRow(parent);
      parent = node;
    }
    if (!action.paths.ends || !std::isnan(ends_[static_cast<size_t>(parent)])) continue;
    needs_end_[static_cast<size_t>(parent)] = 1;
    RequestRow(parent);
  }
}

Status PathScores::ReadRow(int node, const float* row) {
  const double normalizer = LogSumExp(row, static_cast<size_t>(search_->context->vocabulary_size()));
  if (!std::isfinite(normalizer)) return Status(Code::kDecodeFailed, "The model returned non-finite logits");
  const TokenTree& tree = search_->decoder->tree();
  for (int child : tree.children(node)) {
    // Copies of nodes are not known here.
    if (static_cast<size_t>(child) >= logprobs_.size()) continue;
    const auto token = static_cast<size_t>(tree.token(child));
    logprobs_[static_cast<size_t>(child)] = LogProbability(static_cast<double>(row[token]), normalizer);
  }
  if (needs_end_[static_cast<size_t>(node)] == 0) return Status::Ok();
  std::vector<float> ends;
  for (llama_token token : search_->plan.end_tokens) ends.push_back(row[static_cast<size_t>(token)]);
  const bool possible = std::any_of(ends.begin(), ends.end(), [](float logit) { return std::isfinite(logit); });
  ends_[static_cast<size_t>(node)] =
      possible ? LogProbability(LogSumExp(ends.data(), ends.size()), normalizer) : -kInfinity;
  return Status::Ok();
}

Result<std::vector<Expansions>> PathScores::Score(const std::vector<Thought>& thoughts) {
  std::vector<Placed> placed;
  for (const Thought& thought : thoughts) {
    auto own = Place(thought);
    if (!own.ok()) return own.status();
    placed.push_back(std::move(own.value()));
  }
  const auto size = static_cast<size_t>(search_->decoder->tree().size());
  logprobs_.resize(size, kNaN);
  ends_.resize(size, kNaN);
  needs_end_.assign(size, 0);
  requested_.assign(size, 0);
  rows_.clear();
  std::vector<OpenNode> open_nodes = search_->waiting;
  for (size_t i = 0; i < thoughts.size(); ++i) {
    if (!placed[i].fits) continue;
    const size_t first = rows_.size();
    Request(search_->action(thoughts[i]), placed[i]);
    ThoughtNode& node = search_->node(thoughts[i]);
    for (size_t row = first; row < rows_.size(); ++row) {
      node.decoded_tokens += search_->decoder->Count(rows_[row]);
      open_nodes.push_back({rows_[row], node.path_score});
    }
  }
  const auto on_row = [this](int node, const float* row) { return ReadRow(node, row); };
  Status status = search_->decoder->Read(rows_, open_nodes, on_row, search_->cancellation, &search_->thoughts->usage);
  if (!status.ok()) return status;
  std::vector<Expansions> results;
  for (size_t i = 0; i < thoughts.size(); ++i) results.push_back(Expand(thoughts[i], placed[i]));
  return results;
}

Expansions PathScores::Expand(const Thought& thought, const Placed& placed) const {
  Expansions expansions;
  expansions.fits = placed.fits;
  if (!placed.fits) return expansions;
  const Action& action = search_->action(thought);
  const size_t count = placed.paths.size();
  std::vector<ThoughtNode> found(count);
  std::vector<double> scores(count);
  std::vector<bool> is_first(count);
  std::set<Tokens> seen;
  const int64_t end_length = action.paths.ends ? 1 : 0;
  for (size_t path = 0; path < count; ++path) {
    ThoughtNode& node = found[path];
    node.action = thought.action;
    node.path = static_cast<int>(path);
    node.tokens = placed.paths[path];
    for (int each : placed.nodes[path]) {
      node.logprobs.push_back(logprobs_[static_cast<size_t>(each)]);
      node.logprob += node.logprobs.back();
    }
    const int last = placed.nodes[path].empty() ? placed.state.tip : placed.nodes[path].back();
    if (action.paths.ends) node.logprob += ends_[static_cast<size_t>(last)];
    const auto length = static_cast<int64_t>(node.tokens.size()) + end_length;
    node.score = node.logprob / DivisorOf(action.normalize, length, action.paths.texts[path]);
    node.replaced = placed.replaced;
    scores[path] = node.score;
    is_first[path] = seen.insert(node.tokens).second;
  }
  const std::vector<double> probabilities = ProbabilitiesOf(scores, is_first);
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  for (size_t rank = 0; rank < count; ++rank) {
    const size_t path = order[rank];
    Expansion expansion;
    expansion.node = std::move(found[path]);
    ThoughtNode& node = expansion.node;
    Scored scored = placed.state.scored;
    scored.logprob += node.logprob;
    scored.tokens += static_cast<int64_t>(node.tokens.size()) + end_length;
    scored.bytes += ByteLength(action.paths.texts[path]);
    node.probability = probabilities[path];
    node.path_score = ScoreOf(scored, search_->plan.metric);
    node.path_logprob = scored.logprob;
    Prune(action, static_cast<int>(rank), &node);
    expansion.tokens = static_cast<int64_t>(node.tokens.size()) + end_length;
    expansion.next = action.forks ? action.next : std::vector<int>{action.next[path]};
    if (node.pruned == Pruned::kNo) {
      expansion.state = Extend(search_->decoder, placed.state, node.tokens, node.logprobs);
      expansion.state.scored = scored;
    }
    expansions.list.push_back(std::move(expansion));
  }
  return expansions;
}

}  // namespace autocog
