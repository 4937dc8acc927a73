// See row_reader.h.

#include "engine/scoring/row_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/scoring/log_softmax.h"

namespace autocog {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Clamped to 0: rounding could make a probability near 1 greater than 1, which would break the bounds.
double LogProbability(double logit, double normalizer) { return std::min(0.0, logit - normalizer); }

}  // namespace

RowReader::RowReader(const TokenTree& tree, const Tokens& end_tokens, bool details, double initial, TreeScores* scores)
    : tree_(tree), end_tokens_(end_tokens), details_(details), scores_(scores) {
  const auto size = static_cast<size_t>(tree.size());
  scores->logprobs.assign(size, initial);
  scores->logprobs[0] = 0;
  for (int node = 1; node < tree.size(); ++node) {
    if (tree.given(node)) scores->logprobs[static_cast<size_t>(node)] = 0;
  }
  scores->ends.assign(size, kNaN);
  if (!details) return;
  scores->details.entropies.assign(size, kNaN);
  scores->details.best_tokens.assign(size, -1);
  scores->details.best_logprobs.assign(size, kNaN);
  scores->details.ranks.assign(size, 0);
}

Status RowReader::Read(int node, const float* row, size_t size) {
  const double normalizer = LogSumExp(row, size);
  if (!std::isfinite(normalizer)) {
    return Status(Code::kDecodeFailed, "The model returned non-finite logits");
  }
  const float* best = details_ ? std::max_element(row, row + size) : nullptr;
  for (int child : tree_.children(node)) {
    if (tree_.given(child)) continue;
    const auto index = static_cast<size_t>(child);
    const auto token = static_cast<size_t>(tree_.token(child));
    scores_->logprobs[index] = LogProbability(static_cast<double>(row[token]), normalizer);
    if (!details_) continue;
    scores_->details.best_tokens[index] = static_cast<int32_t>(best - row);
    scores_->details.best_logprobs[index] = LogProbability(static_cast<double>(*best), normalizer);
    scores_->details.ranks[index] = static_cast<int32_t>(CountBefore(row, size, token)) + 1;
  }
  if (details_) scores_->details.entropies[static_cast<size_t>(node)] = Entropy(row, size);
  if (tree_.needs_end(node)) {
    std::vector<float> ends;
    for (llama_token token : end_tokens_) ends.push_back(row[static_cast<size_t>(token)]);
    // If all are −inf, there is no log-sum-exp, and the probability is 0.
    const bool possible = std::any_of(ends.begin(), ends.end(), [](float logit) { return std::isfinite(logit); });
    scores_->ends[static_cast<size_t>(node)] =
        possible ? LogProbability(LogSumExp(ends.data(), ends.size()), normalizer) : -kInfinity;
  }
  return Status::Ok();
}

Status RowReader::ReadAll(const std::vector<NodeRow>& rows, size_t size, Workers* workers) {
  // Waking a thread takes about as long as reading this many logits.
  constexpr size_t kMinParallelSize = size_t{1} << 17;
  std::vector<Status> statuses(rows.size(), Status::Ok());
  const auto read = [&](int i) {
    const NodeRow& each = rows[static_cast<size_t>(i)];
    statuses[static_cast<size_t>(i)] = Read(each.node, each.row, size);
  };
  if (rows.size() * size >= kMinParallelSize) {
    workers->Run(static_cast<int>(rows.size()), read);
  } else {
    for (size_t i = 0; i < rows.size(); ++i) read(static_cast<int>(i));
  }
  const auto failed = std::find_if(statuses.begin(), statuses.end(), [](const Status& each) { return !each.ok(); });
  return failed == statuses.end() ? Status::Ok() : *failed;
}

}  // namespace autocog
