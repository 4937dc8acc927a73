// See beam_search.h. Implements the semantics of Hugging Face Transformers' beam search, so that results
// are familiar to its users.

#include "engine/generation/beam_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/generation/stop_finder.h"
#include "engine/scoring/best_tokens.h"
#include "engine/scoring/log_softmax.h"

namespace autocog {

namespace {

// An unfinished beam.
struct OpenBeam {
  Beam beam;
  double sum = 0;  // of its log-probabilities
  StopFinder finder{{}};
};

struct Candidate {
  double sum = 0;
  double logprob = 0;
  int parent = 0;
  llama_token token = LLAMA_TOKEN_NULL;
};

bool Better(const Candidate& a, const Candidate& b) {
  if (a.sum != b.sum) return a.sum > b.sum;
  return a.parent != b.parent ? a.parent < b.parent : a.token < b.token;
}

Status CheckOptions(const BeamOptions& options, const Context& context, int branches) {
  // A step decodes one token with its row per beam.
  const int max_beams = std::min({branches / 2, context.max_tokens(), context.max_rows(), 64});
  if (options.beams < 1 || options.beams > max_beams) {
    return Status(Code::kOutOfRange,
                  "Expected 1 to " + std::to_string(max_beams) + " for beams, got " + std::to_string(options.beams));
  }
  if (options.sequences < 1 || options.sequences > options.beams) {
    return Status(Code::kOutOfRange,
                  "Expected 1 to beams for returnSequences, got " + std::to_string(options.sequences));
  }
  if (options.max_tokens < 1) return Status(Code::kOutOfRange, "Expected a positive count for maxTokens");
  if (!std::isfinite(options.length_penalty)) return Status(Code::kOutOfRange, "Expected a finite lengthPenalty");
  for (const std::string& stop : options.stops) {
    if (stop.empty()) return Status(Code::kOutOfRange, "Expected non-empty stop strings");
  }
  return Status::Ok();
}

class BeamSearch {
 public:
  BeamSearch(Context* context, PrefixCache* cache, const Tokens& prompt, const BeamOptions& options)
      : context_(context), cache_(cache), prompt_(prompt), options_(options) {
    // The last token of a completion is not decoded.
    const int room = context->context_size() - length() + 1;
    const int cells = (context->cells() - length() - 1) / options.beams;
    limit_ = std::min({options.max_tokens, room, std::max(cells, 1)});
    const auto end_tokens = context->vocabulary().end_of_generation().size();
    // Enough candidates for `beams` that continue, even if every end token is among them for each beam.
    max_candidates_ = static_cast<size_t>(options.beams) * std::max<size_t>(2, 1 + end_tokens);
  }
  ~BeamSearch() {
    if (!pinned_) return;
    for (int i = 0; i < 2 * options_.beams; ++i) cache_->Release(i, i < options_.beams ? limit_ : 0);
  }
  BeamSearch(const BeamSearch&) = delete;
  BeamSearch& operator=(const BeamSearch&) = delete;

  Result<Beams> Run(const Cancellation& cancellation);

 private:
  int length() const { return static_cast<int>(prompt_.size()); }
  llama_seq_id Sequence(int bank, int beam) const { return cache_->BranchSequence(bank * options_.beams + beam); }
  Status ReadRow(int parent, const float* row);
  // Finishes candidates that end, makes the best others the open beams, and forks their sequences.
  void Advance(int step);
  void Fork(const std::vector<int>& parents, int step);
  void AddFinished(Beam beam, double sum, int length);
  bool Done(int step) const;
  // Runs the search. Returns whether it ended before the length limit.
  Result<bool> Search(const Cancellation& cancellation);
  Beams CollectResults(bool done);
  Status Decode(int step, const Cancellation& cancellation);
  double Score(double sum, int length) const { return sum / std::pow(length, options_.length_penalty); }

  Context* context_;
  PrefixCache* cache_;
  const Tokens& prompt_;
  const BeamOptions& options_;
  int limit_ = 0;
  size_t max_candidates_ = 0;
  bool pinned_ = false;
  int bank_ = 0;
  std::vector<OpenBeam> open_;
  std::vector<Beam> finished_;  // best first
  std::vector<Candidate> candidates_;
  Tokens best_tokens_;  // reused across calls
  Batch batch_;
  Usage usage_;
};

Status BeamSearch::ReadRow(int parent, const float* row) {
  const auto size = static_cast<size_t>(context_->vocabulary_size());
  const double normalizer = LogSumExp(row, size);
  if (!std::isfinite(normalizer)) return Status(Code::kDecodeFailed, "The model returned non-finite logits");
  FindBestTokens(row, size, max_candidates_, &best_tokens_);
  const double sum = open_[static_cast<size_t>(parent)].sum;
  for (const llama_token token : best_tokens_) {
    const double logprob = static_cast<double>(row[token]) - normalizer;
    candidates_.push_back({sum + logprob, logprob, parent, token});
  }
  return Status::Ok();
}

void BeamSearch::AddFinished(Beam beam, double sum, int length) {
  beam.score = Score(sum, length);
  const auto position =
      std::find_if(finished_.begin(), finished_.end(), [&](const Beam& other) { return other.score < beam.score; });
  finished_.insert(position, std::move(beam));
  if (finished_.size() > static_cast<size_t>(options_.beams)) finished_.pop_back();
}

void BeamSearch::Advance(int step) {
  const size_t width = std::min(candidates_.size(), max_candidates_);
  std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(width), candidates_.end(),
                    Better);
  candidates_.resize(width);
  const Vocabulary& vocabulary = context_->vocabulary();
  std::vector<OpenBeam> next;
  std::vector<int> parents;
  for (size_t rank = 0; rank < width && next.size() < static_cast<size_t>(options_.beams); ++rank) {
    const Candidate& candidate = candidates_[rank];
    // As in Transformers, only candidates among the best `beams` may end.
    const bool may_end = rank < static_cast<size_t>(options_.beams);
    OpenBeam open = open_[static_cast<size_t>(candidate.parent)];
    open.sum = candidate.sum;
    if (vocabulary.IsEndOfGeneration(candidate.token)) {
      if (!may_end) continue;
      open.beam.end_logprob = candidate.logprob;
      open.beam.text = open.finder.text();
      open.beam.reason = StopReason::kEndOfGeneration;
      AddFinished(std::move(open.beam), candidate.sum, step + 1);
      continue;
    }
    open.beam.tokens.push_back(candidate.token);
    open.beam.logprobs.push_back(candidate.logprob);
    const bool begins = options_.begins_text && step == 0;
    auto bytes = begins ? vocabulary.FirstTokenBytes(candidate.token) : vocabulary.TokenBytes(candidate.token);
    if (open.finder.Append(bytes.ok() ? bytes.value() : std::string())) {
      if (!may_end) continue;
      open.beam.text = open.finder.text().substr(0, open.finder.begin());
      open.beam.stop = static_cast<int>(open.finder.stop());
      open.beam.reason = StopReason::kStopString;
      AddFinished(std::move(open.beam), candidate.sum, step + 1);
      continue;
    }
    next.push_back(std::move(open));
    parents.push_back(candidate.parent);
  }
  open_ = std::move(next);
  Fork(parents, step);
}

void BeamSearch::Fork(const std::vector<int>& parents, int step) {
  // Append-only sequences are shared and removed as a whole.
  const int from = context_->append_only() ? 0 : length();
  for (size_t i = 0; i < parents.size(); ++i) {
    context_->Share(Sequence(bank_, parents[i]), Sequence(1 - bank_, static_cast<int>(i)), from, length() + step);
  }
  for (int i = 0; i < options_.beams; ++i) context_->Trim(Sequence(bank_, i), from);
  bank_ = 1 - bank_;
}

bool BeamSearch::Done(int step) const {
  if (open_.empty()) return true;
  if (finished_.size() < static_cast<size_t>(options_.beams)) return false;
  if (options_.early_stopping == EarlyStopping::kYes) return true;
  const bool assume_longest = options_.early_stopping == EarlyStopping::kNever && options_.length_penalty > 0;
  return finished_.back().score >= Score(open_.front().sum, assume_longest ? limit_ : step + 1);
}

Status BeamSearch::Decode(int step, const Cancellation& cancellation) {
  batch_.Clear();
  for (size_t i = 0; i < open_.size(); ++i) {
    batch_.Add(open_[i].beam.tokens.back(), length() + step, Sequence(bank_, static_cast<int>(i)), true);
  }
  const int room = cache_->MakeRoom(batch_.size() + 1, PrefixCache::kNoSlot);
  return context_->Decode(&batch_, Kernels::kBatch, std::max(room, 1), cancellation, &usage_);
}

Result<Beams> BeamSearch::Run(const Cancellation& cancellation) {
  open_.resize(1);
  open_.front().finder = StopFinder(options_.stops);
  Status read;
  PromptRequest request;
  request.rows = {length() - 1};
  request.on_row = [&](size_t, const float* row) { read = ReadRow(0, row); };
  int slot = 0;
  {
    Stopwatch watch(&usage_.prompt_ms);
    auto ensured = cache_->Ensure(prompt_, request, cancellation, &usage_);
    if (!ensured.ok()) return ensured.status();
    slot = ensured.value();
  }
  if (!read.ok()) return read;
  for (int i = 0; i < 2 * options_.beams; ++i) cache_->Pin(i, slot, length(), i < options_.beams ? limit_ : 0);
  pinned_ = true;
  Result<bool> done = false;
  {
    Stopwatch watch(&usage_.decode_ms);
    done = Search(cancellation);
  }
  if (!done.ok()) return done.status();
  return CollectResults(done.value());
}

Result<bool> BeamSearch::Search(const Cancellation& cancellation) {
  for (int step = 0;; ++step) {
    Advance(step);
    if (Done(step)) return true;
    if (step + 1 == limit_) return false;
    candidates_.clear();
    if (Status status = Decode(step, cancellation); !status.ok()) return status;
    for (size_t i = 0; i < open_.size(); ++i) {
      Status status = ReadRow(static_cast<int>(i), context_->Row(static_cast<int>(i)));
      if (!status.ok()) return status;
    }
  }
}

Beams BeamSearch::CollectResults(bool done) {
  const StopReason reason = limit_ < options_.max_tokens ? StopReason::kContext : StopReason::kLength;
  if (!done) {
    for (OpenBeam& open : open_) {
      open.beam.text = open.finder.text();
      open.beam.reason = reason;
      const int tokens = static_cast<int>(open.beam.tokens.size());
      AddFinished(std::move(open.beam), open.sum, tokens);
    }
  }
  finished_.resize(std::min(finished_.size(), static_cast<size_t>(options_.sequences)));
  return {std::move(finished_), usage_};
}

}  // namespace

Result<Beams> SearchBeams(Context* context, PrefixCache* cache, const Tokens& prompt, const BeamOptions& options,
                          const Cancellation& cancellation) {
  if (Status status = CheckOptions(options, *context, cache->branches()); !status.ok()) return status;
  return BeamSearch(context, cache, prompt, options).Run(cancellation);
}

}  // namespace autocog
