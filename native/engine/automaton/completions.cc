// See completions.h.

#include "engine/automaton/completions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/scoring/best_tokens.h"
#include "engine/scoring/log_softmax.h"

namespace autocog {

Result<Completions::Completion> Completions::Begin(const Thought& thought, const Action& action) {
  Completion completion;
  completion.thought = &thought;
  completion.action = &action;
  // A set of allowed tokens leaves no choice of how the text before it is tokenized.
  if (search_->plan.healed && action.completion.allowed.empty()) {
    const Tokens context = search_->decoder->TokensTo(thought.state.tip);
    auto trimmed = search_->joiner->TrimmedForCompletion(context, &completion.prefix);
    if (!trimmed.ok()) return trimmed.status();
    completion.replaced = trimmed.value();
  }
  completion.state = WithoutLast(*search_->decoder, thought.state, completion.replaced, true);
  // The last token of a text is not decoded.
  const int room = search_->context->context_size() - static_cast<int>(completion.state.values.size()) + 1;
  const int64_t most = static_cast<int64_t>(action.completion.max_tokens) + completion.replaced;
  completion.limit = static_cast<int>(std::min<int64_t>(most, room));
  completion.done = completion.limit < 1;
  BeamState beam;
  beam.tip = completion.state.tip;
  beam.pending = completion.prefix.size();
  beam.finder = StopFinder(action.completion.stops);
  completion.beams.push_back(std::move(beam));
  return completion;
}

void Completions::End(BeamState* beam, ThoughtStop reason) {
  beam->stop = reason;
  if (beam->finder.begin() == StopFinder::kNone) return;
  beam->stop = ThoughtStop::kText;
  beam->stop_text = static_cast<int>(beam->finder.stop());
  beam->text = beam->finder.text().substr(0, beam->finder.begin());
}

Result<const TokenSet*> Completions::Allowed(const Completion& completion, const BeamState& beam) const {
  if (beam.pending == 0) return &completion.action->completion.allowed;
  const int left = completion.limit - static_cast<int>(beam.tokens.size());
  return search_->joiner->Beginnings(completion.prefix.substr(completion.prefix.size() - beam.pending), left);
}

Status Completions::ReadRow(int wanted, const TokenSet& allowed, const float* row,
                            std::vector<Candidate>* candidates) const {
  const auto size = static_cast<size_t>(search_->context->vocabulary_size());
  const double normalizer = LogSumExp(row, size);
  if (!std::isfinite(normalizer)) return Status(Code::kDecodeFailed, "The model returned non-finite logits");
  const auto count = static_cast<size_t>(wanted);
  Tokens best;
  if (allowed.empty()) {
    FindBestTokens(row, size, count, &best);
  } else {
    const auto better = [row](llama_token a, llama_token b) { return row[a] > row[b] || (row[a] == row[b] && a < b); };
    for (size_t token = 0; token < size; ++token) {
      if (allowed.Has(static_cast<llama_token>(token))) best.push_back(static_cast<llama_token>(token));
    }
    const auto kept = static_cast<std::ptrdiff_t>(std::min(best.size(), count));
    std::partial_sort(best.begin(), best.begin() + kept, best.end(), better);
    best.resize(static_cast<size_t>(kept));
  }
  for (llama_token token : best) {
    const double logprob = std::min(0.0, static_cast<double>(row[token]) - normalizer);
    if (std::isfinite(logprob)) candidates->push_back({token, logprob});
  }
  return Status::Ok();
}

std::vector<OpenNode> Completions::OpenNodes(const std::vector<Completion>& completions) const {
  std::vector<OpenNode> open = search_->waiting;
  for (const Completion& completion : completions) {
    const double priority = search_->node(*completion.thought).path_score;
    for (const BeamState& beam : completion.beams) open.push_back({beam.tip, priority});
  }
  return open;
}

Status Completions::FindCandidates(const std::vector<std::pair<Completion*, const BeamState*>>& beams,
                                   const std::vector<Completion>& all) {
  struct Reader {
    int count;
    const TokenSet* allowed;
    std::vector<Candidate>* candidates;
  };
  // Thoughts may share a node but not their allowed tokens.
  std::unordered_map<int, std::vector<Reader>> readers;
  std::vector<int> nodes;
  for (const auto& [completion, beam] : beams) {
    const auto [entry, added] = completion->candidates.try_emplace(beam->tip);
    if (!added) continue;
    auto allowed = Allowed(*completion, *beam);
    if (!allowed.ok()) return allowed.status();
    auto& own = readers[beam->tip];
    if (own.empty()) nodes.push_back(beam->tip);
    own.push_back({completion->action->completion.beams, allowed.value(), &entry->second});
    search_->node(*completion->thought).decoded_tokens += search_->decoder->Count(beam->tip);
  }
  std::vector<OpenNode> open = OpenNodes(all);
  for (int node : nodes) open.push_back({node, 0});
  const auto on_row = [&](int node, const float* row) {
    for (const Reader& reader : readers.at(node)) {
      Status status = ReadRow(reader.count, *reader.allowed, row, reader.candidates);
      if (!status.ok()) return status;
    }
    return Status::Ok();
  };
  return search_->decoder->Read(nodes, open, on_row, search_->cancellation, &search_->thoughts->usage);
}

Result<BeamState> Completions::Append(const Completion& completion, const BeamState& beam,
                                      const Candidate& candidate) const {
  const CompletionAction& action = completion.action->completion;
  const Vocabulary& vocabulary = search_->context->vocabulary();
  BeamState extended = beam;
  extended.logprob += candidate.logprob;
  extended.ahead_logprob = 0;
  extended.ahead_tokens = 0;
  extended.ahead_text.clear();
  const bool ends = vocabulary.IsEndOfGeneration(candidate.token);
  if (beam.pending == 0 && (ends || action.stop_tokens.Has(candidate.token))) {
    extended.end_token = candidate.token;
    extended.end_logprob = candidate.logprob;
    End(&extended, ends ? ThoughtStop::kEndOfGeneration : ThoughtStop::kToken);
    return extended;
  }
  extended.tokens.push_back(candidate.token);
  extended.logprobs.push_back(candidate.logprob);
  if (Repeats(extended.tokens)) ++extended.repeats;
  // After its start token alone, a decoder begins a text.
  const bool begins = search_->context->has_encoder() && beam.tokens.empty() && completion.state.tip == 0;
  auto bytes = begins ? vocabulary.FirstTokenBytes(candidate.token) : vocabulary.TokenBytes(candidate.token);
  if (!bytes.ok()) return bytes.status();
  const size_t repeated = std::min(beam.pending, bytes.value().size());
  extended.pending -= repeated;
  const bool stops = extended.finder.Append(bytes.value().substr(repeated));
  extended.text = extended.finder.text();
  if (stops) End(&extended, ThoughtStop::kText);
  return extended;
}

Status Completions::LookAhead(std::vector<Completion>* completions) {
  std::vector<Rollout> rollouts;
  int longest = 0;
  for (Completion& completion : *completions) {
    const CompletionAction& action = completion.action->completion;
    const bool ranks = completion.pool.size() > static_cast<size_t>(action.beams);
    for (size_t i = 0; i < completion.pool.size() && ranks && !completion.done; ++i) {
      const BeamState& beam = completion.pool[i];
      const int steps = std::min(action.ahead, completion.limit - static_cast<int>(beam.tokens.size()));
      if (beam.stop != ThoughtStop::kNone || steps < 1) continue;
      rollouts.push_back({&completion, i, steps, beam});
      longest = std::max(longest, steps);
    }
  }
  for (int step = 0; step < longest; ++step) {
    std::vector<std::pair<Completion*, const BeamState*>> beams;
    std::vector<Rollout*> open;
    for (Rollout& rollout : rollouts) {
      if (step >= rollout.steps || rollout.end.stop != ThoughtStop::kNone) continue;
      rollout.end.tip = search_->decoder->Child(rollout.end.tip, rollout.end.tokens.back());
      open.push_back(&rollout);
      beams.emplace_back(rollout.completion, &rollout.end);
    }
    if (open.empty()) break;
    if (Status status = FindCandidates(beams, *completions); !status.ok()) return status;
    for (Rollout* rollout : open) {
      const std::vector<Candidate>& candidates = rollout->completion->candidates.at(rollout->end.tip);
      if (candidates.empty()) {
        rollout->steps = 0;
        continue;
      }
      auto next = Append(*rollout->completion, rollout->end, candidates.front());
      if (!next.ok()) return next.status();
      rollout->end = std::move(next.value());
    }
  }
  for (const Rollout& rollout : rollouts) {
    BeamState& beam = rollout.completion->pool[rollout.beam];
    beam.ahead_logprob = rollout.end.logprob - beam.logprob;
    beam.ahead_tokens = static_cast<int>(rollout.end.length() - beam.length());
    if (rollout.end.text.size() > beam.text.size()) beam.ahead_text = rollout.end.text.substr(beam.text.size());
  }
  return Status::Ok();
}

Status Completions::Step(std::vector<Completion>* completions) {
  std::vector<std::pair<Completion*, const BeamState*>> beams;
  for (Completion& completion : *completions) {
    if (completion.done) continue;
    for (const BeamState& beam : completion.beams) {
      if (beam.stop == ThoughtStop::kNone) beams.emplace_back(&completion, &beam);
    }
  }
  if (Status status = FindCandidates(beams, *completions); !status.ok()) return status;
  bool looks_ahead = false;
  for (Completion& completion : *completions) {
    if (completion.done) continue;
    completion.pool.clear();
    bool is_last = false;
    for (const BeamState& beam : completion.beams) {
      if (beam.stop != ThoughtStop::kNone) {
        completion.pool.push_back(beam);
        continue;
      }
      is_last = static_cast<int>(beam.tokens.size()) + 1 == completion.limit;
      for (const Candidate& candidate : completion.candidates.at(beam.tip)) {
        auto extended = Append(completion, beam, candidate);
        if (!extended.ok()) return extended.status();
        completion.pool.push_back(std::move(extended.value()));
      }
    }
    looks_ahead = looks_ahead || (completion.action->completion.ahead > 0 && !is_last);
  }
  if (looks_ahead) {
    if (Status status = LookAhead(completions); !status.ok()) return status;
  }
  for (Completion& completion : *completions) {
    if (completion.done) continue;
    const Action& action = *completion.action;
    std::vector<BeamState> picked;
    bool all_ended = true;
    int length = 0;
    for (int index : PickBeams(completion.pool, action.completion.beams, action)) {
      BeamState& beam = completion.pool[static_cast<size_t>(index)];
      if (beam.stop == ThoughtStop::kNone) {
        all_ended = false;
        length = static_cast<int>(beam.tokens.size());
        beam.tip = search_->decoder->Child(beam.tip, beam.tokens.back());
      }
      picked.push_back(std::move(beam));
    }
    completion.beams = std::move(picked);
    if (!looks_ahead) completion.candidates.clear();
    completion.done = all_ended || length == completion.limit;
  }
  if (!looks_ahead) search_->decoder->Keep(OpenNodes(*completions));
  return Status::Ok();
}

Result<std::vector<Expansions>> Completions::Complete(const std::vector<Thought>& thoughts) {
  std::vector<Completion> completions;
  for (const Thought& thought : thoughts) {
    auto begun = Begin(thought, search_->action(thought));
    if (!begun.ok()) return begun.status();
    completions.push_back(std::move(begun.value()));
  }
  const auto is_done = [](const Completion& completion) { return completion.done; };
  while (!std::all_of(completions.begin(), completions.end(), is_done)) {
    if (Status status = Step(&completions); !status.ok()) return status;
  }
  std::vector<Expansions> results;
  for (Completion& completion : completions) {
    auto expansions = Expand(&completion);
    if (!expansions.ok()) return expansions.status();
    results.push_back(std::move(expansions.value()));
  }
  return results;
}

Status Completions::Split(const Completion& completion, const BeamState& beam, ThoughtNode* node) const {
  const Vocabulary& vocabulary = search_->context->vocabulary();
  size_t count = beam.tokens.size();
  const std::string text = completion.prefix + beam.text;
  size_t length = text.size();
  if (beam.stop == ThoughtStop::kText) {
    const std::string whole = completion.prefix + beam.finder.text();
    size_t end = whole.size();
    for (; count > 0; --count) {
      // Not inside the stop, and not inside a character.
      if (end <= text.size() && (end == whole.size() || (static_cast<uint8_t>(whole[end]) & 0xc0) != 0x80)) break;
      auto bytes = vocabulary.TokenBytes(beam.tokens[count - 1]);
      if (!bytes.ok()) return bytes.status();
      end -= bytes.value().size();
    }
    length = count == 0 ? 0 : end;
  }
  const auto split = static_cast<std::ptrdiff_t>(count);
  node->tokens.assign(beam.tokens.begin(), beam.tokens.begin() + split);
  node->logprobs.assign(beam.logprobs.begin(), beam.logprobs.begin() + split);
  if (length < text.size()) {
    auto tail = search_->joiner->Tokenize(text.substr(length));
    if (!tail.ok()) return tail.status();
    node->tokens.insert(node->tokens.end(), tail.value().begin(), tail.value().end());
    node->logprobs.resize(node->tokens.size(), 0);
  }
  node->stop = beam.stop;
  node->stop_text = beam.stop_text;
  node->stop_tokens.assign(beam.tokens.begin() + split, beam.tokens.end());
  node->stop_logprobs.assign(beam.logprobs.begin() + split, beam.logprobs.end());
  if (beam.end_token == LLAMA_TOKEN_NULL) return Status::Ok();
  node->stop_tokens.push_back(beam.end_token);
  node->stop_logprobs.push_back(beam.end_logprob);
  return Status::Ok();
}

Result<Expansions> Completions::Expand(Completion* completion) const {
  Expansions expansions;
  expansions.fits = completion->limit >= 1;
  if (!expansions.fits) return expansions;
  const Action& action = *completion->action;
  const Thought& thought = *completion->thought;
  const bool context_full = completion->limit - completion->replaced < action.completion.max_tokens;
  for (BeamState& beam : completion->beams) {
    if (beam.stop == ThoughtStop::kNone) End(&beam, context_full ? ThoughtStop::kContext : ThoughtStop::kLength);
  }
  const std::vector<int> order = PickBeams(completion->beams, static_cast<int>(completion->beams.size()), action);
  std::vector<double> scores;
  for (int index : order) scores.push_back(BeamScore(completion->beams[static_cast<size_t>(index)], action.normalize));
  const std::vector<double> probabilities = ProbabilitiesOf(scores, std::vector<bool>(scores.size(), true));
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const BeamState& beam = completion->beams[static_cast<size_t>(order[rank])];
    Expansion expansion;
    ThoughtNode& node = expansion.node;
    node.action = thought.action;
    node.text = beam.text;
    node.replaced = completion->replaced;
    node.logprob = beam.logprob;
    node.score = scores[rank];
    node.probability = probabilities[rank];
    if (Status status = Split(*completion, beam, &node); !status.ok()) return status;
    Scored scored = completion->state.scored;
    scored.logprob += beam.logprob;
    scored.tokens += beam.length();
    scored.bytes += ByteLength(beam.text);
    node.path_score = ScoreOf(scored, search_->plan.metric);
    node.path_logprob = scored.logprob;
    Prune(action, static_cast<int>(rank), &node);
    expansion.tokens = beam.length();
    expansion.next = action.next;
    if (node.pruned == Pruned::kNo) {
      expansion.state = Extend(search_->decoder, completion->state, node.tokens, node.logprobs);
      expansion.state.scored = scored;
    }
    expansions.list.push_back(std::move(expansion));
  }
  return expansions;
}

}  // namespace autocog
