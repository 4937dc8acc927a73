// See beam.h.

#include "engine/automaton/beam.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <unordered_set>

namespace autocog {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The logarithm of a beam's rank value without the bonus of diversity.
double RankOf(const BeamState& beam, const Action& action) {
  const double length = DivisorOf(action.normalize, beam.length() + beam.ahead_tokens, beam.text + beam.ahead_text);
  return (beam.logprob + beam.ahead_logprob) / length - beam.repeats * std::log1p(action.completion.repetition);
}

double LogAdd(double a, double b) {
  const double low = std::min(a, b);
  const double high = std::max(a, b);
  return low == -kInfinity ? high : high + std::log1p(std::exp(low - high));
}

// The Jaccard distance of two sets; 0 for two empty ones.
double Distance(const std::set<llama_token>& a, const std::set<llama_token>& b) {
  const auto shared = std::count_if(a.begin(), a.end(), [&](llama_token token) { return b.count(token) != 0; });
  const auto all = static_cast<std::ptrdiff_t>(a.size() + b.size()) - shared;
  return all == 0 ? 0 : 1 - static_cast<double>(shared) / static_cast<double>(all);
}

// The ended texts of picked beams.
class EndedTexts {
 public:
  // False for the text of a beam that was added before.
  bool Add(const BeamState& beam) {
    if (beam.stop == ThoughtStop::kNone || !HasWholeCharacters(beam.text)) return true;
    return texts_.insert(beam.text).second;
  }

 private:
  std::unordered_set<std::string> texts_;
};

}  // namespace

bool Repeats(const Tokens& tokens) {
  if (tokens.size() < 4) return false;
  const auto last = tokens.end() - 3;
  return std::search(tokens.begin(), tokens.end() - 1, last, tokens.end()) != tokens.end() - 1;
}

double BeamScore(const BeamState& beam, Normalization normalize) {
  return beam.logprob / DivisorOf(normalize, beam.length(), beam.text);
}

std::vector<int> PickBeams(const std::vector<BeamState>& beams, int count, const Action& action) {
  std::vector<double> keys;
  for (const BeamState& beam : beams) keys.push_back(RankOf(beam, action));
  const double diversity = action.completion.diversity;
  const auto limit = static_cast<size_t>(count);
  EndedTexts texts;
  std::vector<int> picked;
  std::vector<int> order(beams.size());
  std::iota(order.begin(), order.end(), 0);
  if (diversity == 0) {
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return keys[static_cast<size_t>(a)] > keys[static_cast<size_t>(b)]; });
    for (int index : order) {
      if (picked.size() == limit) break;
      if (texts.Add(beams[static_cast<size_t>(index)])) picked.push_back(index);
    }
    return picked;
  }
  std::vector<std::set<llama_token>> sets;
  for (const BeamState& beam : beams) sets.emplace_back(beam.tokens.begin(), beam.tokens.end());
  std::vector<double> distances(beams.size(), 0);
  while (picked.size() < limit && !order.empty()) {
    auto best = order.end();
    double highest = -kInfinity;
    for (auto each = order.begin(); each != order.end(); ++each) {
      const auto index = static_cast<size_t>(*each);
      const double mean = picked.empty() ? 0 : distances[index] / static_cast<double>(picked.size());
      const double penalty = beams[index].repeats * std::log1p(action.completion.repetition);
      const double key = LogAdd(keys[index] + penalty, std::log(diversity * mean)) - penalty;
      if (best != order.end() && !(key > highest)) continue;
      best = each;
      highest = key;
    }
    const int index = *best;
    order.erase(best);
    if (!texts.Add(beams[static_cast<size_t>(index)])) continue;
    picked.push_back(index);
    for (int left : order) {
      distances[static_cast<size_t>(left)] +=
          Distance(sets[static_cast<size_t>(left)], sets[static_cast<size_t>(index)]);
    }
  }
  return picked;
}

}  // namespace autocog
