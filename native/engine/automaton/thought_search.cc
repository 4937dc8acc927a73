// See thought_search.h.

#include "engine/automaton/thought_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/automaton/completions.h"
#include "engine/automaton/path_scores.h"
#include "engine/automaton/search_state.h"

namespace autocog {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class ThoughtSearch {
 public:
  ThoughtSearch(Context* context, PrefixCache* cache, const Tokens& prompt, const AutomatonPlan& plan,
                const Cancellation& cancellation)
      : plan_(plan),
        prompt_(prompt),
        given_(plan.healed ? std::min(TokenJoiner::kMaxReplaced, prompt.size() - 1) : 0),
        head_(prompt.begin(), prompt.end() - static_cast<std::ptrdiff_t>(given_)),
        joiner_(plan, context->vocabulary()),
        decoder_(context, cache, head_, context->context_size() - static_cast<int>(head_.size())),
        search_{context, plan, &joiner_, &decoder_, cancellation, &thoughts_, {}} {}

  Result<Thoughts> Run(const OnProgress& on_progress);

 private:
  bool EndReached();
  std::vector<Thought> NextGroup();
  // Whether the limit of thoughts is reached, or the search was cancelled, before all texts were placed.
  bool CutsTexts();
  Status Advance(const std::vector<Thought>& group);
  Status Attach(const Thought& thought, Expansions expansions);
  // Opens a thought for each action that follows a node, after the texts that need no scores.
  Status Follow(int node, const ThoughtState& state, const std::vector<int>& next);
  // Adds the node of a text that is not scored. Returns whether it fits.
  Result<bool> Place(int parent, int action, const ThoughtState& before, int* node, ThoughtState* after);
  int AddNode(int parent, ThoughtNode node);
  ThoughtNode& Node(int node) { return thoughts_.nodes[static_cast<size_t>(node)]; }
  void Abandon(const std::vector<Thought>& thoughts);
  SearchProgress Progress() const;

  const AutomatonPlan& plan_;
  const Tokens& prompt_;
  // The number of the prompt's last tokens that the first action may replace: these are part of the tree.
  const size_t given_;
  const Tokens head_;
  TokenJoiner joiner_;
  ThoughtDecoder decoder_;
  Thoughts thoughts_;
  SearchState search_;
  std::vector<Thought> open_;
  int64_t kept_ = 0;
  int64_t tokens_ = 0;
  int64_t finished_ = 0;
  int best_ = -1;
  int rounds_ = 0;
  bool is_cut_ = false;
};

int ThoughtSearch::AddNode(int parent, ThoughtNode node) {
  const auto index = static_cast<int>(thoughts_.nodes.size());
  node.parent = parent;
  thoughts_.nodes.push_back(std::move(node));
  if (parent >= 0) ++Node(parent).children;
  return index;
}

bool ThoughtSearch::EndReached() {
  const auto reached = [](int64_t limit, int64_t value) { return limit >= 0 && value >= limit; };
  SearchEnd& end = thoughts_.end;
  if (search_.cancellation.requested()) {
    end = SearchEnd::kAborted;
  } else if (reached(plan_.stop_after, finished_)) {
    end = SearchEnd::kStopAfter;
  } else if (open_.empty() && !is_cut_) {
    end = SearchEnd::kExhausted;
  } else if (plan_.until_best && best_ >= 0 && !is_cut_ &&
             std::all_of(open_.begin(), open_.end(), [this](const Thought& thought) {
               return Node(best_).path_score >= Node(thought.node).path_score;
             })) {
    end = SearchEnd::kBest;
  } else if (reached(plan_.max_thoughts, kept_)) {
    end = SearchEnd::kMaxThoughts;
  } else if (reached(plan_.max_tokens, tokens_)) {
    end = SearchEnd::kMaxTokens;
  } else {
    return false;
  }
  return true;
}

std::vector<Thought> ThoughtSearch::NextGroup() {
  std::stable_sort(open_.begin(), open_.end(), [this](const Thought& a, const Thought& b) {
    return Node(a.node).path_score > Node(b.node).path_score;
  });
  const bool completes = search_.action(open_.front()).is_completion;
  std::vector<Thought> group;
  std::vector<Thought> waiting;
  // A round ends where the thoughts that it may keep reach the limit.
  int64_t kept = kept_;
  for (Thought& thought : open_) {
    const Action& action = search_.action(thought);
    const bool is_full = plan_.max_thoughts >= 0 && kept >= plan_.max_thoughts;
    if (action.is_completion != completes || is_full) {
      waiting.push_back(std::move(thought));
      continue;
    }
    kept += action.width;
    group.push_back(std::move(thought));
  }
  open_ = std::move(waiting);
  search_.waiting.clear();
  for (const Thought& thought : open_) search_.waiting.push_back({thought.state.tip, Node(thought.node).path_score});
  return group;
}

Status ThoughtSearch::Advance(const std::vector<Thought>& group) {
  const bool completes = search_.action(group.front()).is_completion;
  auto results = completes ? Completions(&search_).Complete(group) : PathScores(&search_).Score(group);
  if (!results.ok()) return results.status();
  for (size_t i = 0; i < group.size(); ++i) {
    if (Status status = Attach(group[i], std::move(results.value()[i])); !status.ok()) return status;
  }
  std::vector<OpenNode> open_nodes;
  for (const Thought& thought : open_) open_nodes.push_back({thought.state.tip, Node(thought.node).path_score});
  decoder_.Keep(open_nodes);
  return Status::Ok();
}

Status ThoughtSearch::Attach(const Thought& thought, Expansions expansions) {
  if (!expansions.fits || expansions.list.empty()) {
    if (Node(thought.node).children == 0) Node(thought.node).pruned = Pruned::kAbandoned;
    return Status::Ok();
  }
  // Another action that follows the node may not have fitted.
  Node(thought.node).pruned = Pruned::kNo;
  for (Expansion& expansion : expansions.list) {
    const bool continues = expansion.node.pruned == Pruned::kNo;
    const int node = AddNode(thought.node, std::move(expansion.node));
    tokens_ += expansion.tokens;
    if (!continues) continue;
    if (Status status = Follow(node, expansion.state, expansion.next); !status.ok()) return status;
  }
  return Status::Ok();
}

Result<bool> ThoughtSearch::Place(int parent, int action, const ThoughtState& before, int* node, ThoughtState* after) {
  const PathsAction& paths = plan_.actions[static_cast<size_t>(action)].paths;
  const Tokens context = plan_.healed ? decoder_.TokensTo(before.tip) : Tokens();
  auto joined = joiner_.Join(paths, context);
  if (!joined.ok()) return joined.status();
  ThoughtNode placed;
  placed.action = action;
  placed.path = 0;
  placed.tokens = joined.value().paths.front();
  placed.logprobs.resize(placed.tokens.size(), 0);
  placed.replaced = joined.value().replaced;
  placed.path_score = Node(parent).path_score;
  placed.path_logprob = Node(parent).path_logprob;
  const ThoughtState kept = WithoutLast(decoder_, before, placed.replaced, false);
  *after = Extend(&decoder_, kept, placed.tokens, std::vector<double>(placed.tokens.size(), kNaN));
  const bool fits = after->values.size() <= static_cast<size_t>(search_.context->context_size());
  if (!fits) placed.pruned = Pruned::kAbandoned;
  *node = AddNode(parent, std::move(placed));
  return fits;
}

bool ThoughtSearch::CutsTexts() {
  const bool is_full = plan_.max_thoughts >= 0 && kept_ >= plan_.max_thoughts;
  if (is_full || search_.cancellation.requested()) is_cut_ = true;
  return is_full || search_.cancellation.requested();
}

Status ThoughtSearch::Follow(int first, const ThoughtState& state, const std::vector<int>& next) {
  // Depth first, without recursion: chains of texts may be long.
  struct Step {
    int node;
    ThoughtState state;
    const std::vector<int>* next;
    size_t index;
  };
  std::vector<Step> steps;
  const auto enter = [&](int node, ThoughtState at, const std::vector<int>* following) {
    ++kept_;
    if (following->empty()) {
      Node(node).finished = true;
      ++finished_;
      if (best_ < 0 || Node(node).path_score > Node(best_).path_score) best_ = node;
    }
    steps.push_back({node, std::move(at), following, 0});
  };
  enter(first, state, &next);
  while (!steps.empty()) {
    Step& step = steps.back();
    if (step.index == step.next->size()) {
      steps.pop_back();
      continue;
    }
    const size_t position = step.index++;
    const int index = (*step.next)[position];
    const Action& action = plan_.actions[static_cast<size_t>(index)];
    if (action.is_completion || action.paths.scored) {
      open_.push_back({step.node, step.state, index});
      continue;
    }
    // Texts that fork again and again would be more than any round adds.
    if (position > 0 && CutsTexts()) continue;
    int node = 0;
    ThoughtState after;
    auto fits = Place(step.node, index, step.state, &node, &after);
    if (!fits.ok()) return fits.status();
    if (fits.value()) enter(node, std::move(after), &action.next);
  }
  return Status::Ok();
}

void ThoughtSearch::Abandon(const std::vector<Thought>& thoughts) {
  for (const Thought& thought : thoughts) {
    ThoughtNode& node = Node(thought.node);
    if (node.children == 0) node.pruned = Pruned::kAbandoned;
  }
}

SearchProgress ThoughtSearch::Progress() const {
  const double best = best_ < 0 ? kNaN : thoughts_.nodes[static_cast<size_t>(best_)].path_score;
  return {rounds_, static_cast<int64_t>(open_.size()), finished_, tokens_, best};
}

Result<Thoughts> ThoughtSearch::Run(const OnProgress& on_progress) {
  ThoughtState state;
  for (size_t i = head_.size(); i < prompt_.size(); ++i) state.tip = decoder_.Child(state.tip, prompt_[i]);
  state.values.assign(prompt_.size(), kNaN);
  AddNode(-1, ThoughtNode());
  if (Status status = Follow(0, state, plan_.entries); !status.ok()) return status;
  while (!EndReached()) {
    const std::vector<Thought> group = NextGroup();
    Status status = Advance(group);
    if (status.code() == Code::kAborted) {
      thoughts_.end = SearchEnd::kAborted;
      Abandon(group);
      break;
    }
    if (!status.ok()) return status;
    ++rounds_;
    if (on_progress) on_progress(Progress());
  }
  Abandon(open_);
  return std::move(thoughts_);
}

}  // namespace

Result<Thoughts> SearchThoughts(Context* context, PrefixCache* cache, const Tokens& prompt, const AutomatonPlan& plan,
                                const OnProgress& on_progress, const Cancellation& cancellation) {
  return ThoughtSearch(context, cache, prompt, plan, cancellation).Run(on_progress);
}

}  // namespace autocog
