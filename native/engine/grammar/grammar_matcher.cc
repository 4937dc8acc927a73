// See grammar_matcher.h. An Earley parser in which equal sets of callers are shared (interned), and in
// which calls at the end of an alternative pass on their callers (tail calls), so that right-recursive
// lists of any length need only one set.

#include "engine/grammar/grammar_matcher.h"

#include <algorithm>
#include <utility>

#include "engine/grammar/left_corners.h"

namespace autocog {

namespace {

using Type = GrammarElement::Type;

// A position that stands for the end of the text.
constexpr uint32_t kEndOfText = UINT32_MAX;
// A set that is not computed yet.
constexpr uint32_t kUnknown = UINT32_MAX;
// Memory limits and costs, in units of a frame, which is 8 bytes: 32 and 256 MiB.
constexpr size_t kCompactAt = size_t{1} << 22;
constexpr size_t kMaxCost = size_t{1} << 25;
constexpr size_t kSetCost = 8;
constexpr size_t kAsciiCost = 66;
constexpr size_t kBeyondAsciiCost = 6;

uint64_t Pair(uint32_t high, uint32_t low) { return (uint64_t{high} << 32) | low; }

}  // namespace

size_t GrammarMatcher::Hash::operator()(Set set) const {
  const Span& span = matcher->sets_[set];
  uint64_t hash = span.size;
  for (size_t i = span.begin; i < span.begin + span.size; ++i) {
    const Frame& frame = matcher->frames_[i];
    hash = (hash ^ Pair(frame.position, frame.callers)) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
  }
  return static_cast<size_t>(hash);
}

bool GrammarMatcher::Equal::operator()(Set a, Set b) const {
  const Span& first = matcher->sets_[a];
  const Span& second = matcher->sets_[b];
  const auto begin = matcher->frames_.begin();
  return first.size == second.size && std::equal(begin + static_cast<std::ptrdiff_t>(first.begin),
                                                 begin + static_cast<std::ptrdiff_t>(first.begin + first.size),
                                                 begin + static_cast<std::ptrdiff_t>(second.begin));
}

GrammarMatcher::GrammarMatcher(Grammar grammar)
    : nullable_(FindNullable(grammar)),
      component_(FindComponents(FindLeftCorners(grammar, nullable_))),
      interned_(64, Hash{this}, Equal{this}),
      compact_at_(kCompactAt),
      callers_(grammar.rules.size()),
      called_with_(grammar.rules.size()),
      is_queued_(grammar.rules.size()) {
  for (const auto& rule : grammar.rules) {
    auto& begins = alternatives_.emplace_back();
    bool begin = true;
    for (const GrammarElement& element : rule) {
      if (begin) begins.push_back(static_cast<uint32_t>(elements_.size()));
      begin = EndsAlternative(element);
      elements_.push_back(element);
    }
  }
  std::vector<Frame> none;
  Intern(&none);
  const Frame end{kEndOfText, kEmpty};
  Call(grammar.root, &end, 1);
  if (nullable_[grammar.root]) out_.push_back(end);
  start_ = Close();
}

bool GrammarMatcher::IsChar(uint32_t position) const {
  const Type type = elements_[position].type;
  return type == Type::kChar || type == Type::kNotChar || type == Type::kAny;
}

uint32_t GrammarMatcher::After(uint32_t position) const {
  do {
    ++position;
  } while (elements_[position].type == Type::kRangeEnd || elements_[position].type == Type::kOrChar);
  return position;
}

bool GrammarMatcher::Matches(uint32_t position, uint32_t code_point) const {
  const bool is_negated = elements_[position].type == Type::kNotChar;
  if (elements_[position].type == Type::kAny) return true;
  do {
    const uint32_t low = elements_[position].value;
    const bool is_range = elements_[position + 1].type == Type::kRangeEnd;
    const uint32_t high = is_range ? elements_[position + 1].value : low;
    if (low <= code_point && code_point <= high) return !is_negated;
    position += is_range ? 2 : 1;
  } while (elements_[position].type == Type::kOrChar);
  return is_negated;
}

bool GrammarMatcher::MatchesRange(uint32_t position, uint32_t low, uint32_t high) const {
  if (elements_[position].type == Type::kAny) return true;
  const bool is_negated = elements_[position].type == Type::kNotChar;
  const uint32_t end = After(position);
  // For a negated class: raise `low` to the first code point of the range that is not in the class.
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t i = position; i < end;) {
      const bool is_range = elements_[i + 1].type == Type::kRangeEnd;
      const uint32_t first = elements_[i].value;
      const uint32_t last = is_range ? elements_[i + 1].value : first;
      i += is_range ? 2 : 1;
      if (!is_negated && first <= high && low <= last && first <= last) return true;
      if (!is_negated || low < first || last < low) continue;
      if (last >= high) return false;
      low = last + 1;
      changed = true;
    }
  }
  return is_negated;
}

bool GrammarMatcher::CanEnd(Set set) const {
  const Span& span = sets_[set];
  // Frames are sorted, and kEndOfText is the greatest position.
  return span.size > 0 && frames_[span.begin + span.size - 1].position == kEndOfText;
}

bool GrammarMatcher::CanAdvance(Set set, uint32_t low, uint32_t high) const {
  const Span& span = sets_[set];
  for (size_t i = span.begin; i < span.begin + span.size; ++i) {
    const uint32_t position = frames_[i].position;
    if (position != kEndOfText && IsChar(position) && MatchesRange(position, low, high)) return true;
  }
  return false;
}

bool GrammarMatcher::ExpectsToken(Set set) const {
  const Span& span = sets_[set];
  for (size_t i = span.begin; i < span.begin + span.size; ++i) {
    const uint32_t position = frames_[i].position;
    if (position != kEndOfText && !IsChar(position)) return true;
  }
  return false;
}

GrammarMatcher::Set GrammarMatcher::Advance(Set set, uint32_t code_point) {
  if (set == kEmpty) return kEmpty;
  const bool is_ascii = code_point < 128;
  if (is_ascii) {
    if (!ascii_[set]) {
      ascii_[set] = std::make_unique<std::array<Set, 128>>();
      ascii_[set]->fill(kUnknown);
      cost_ += kAsciiCost;
    }
    if (const Set known = (*ascii_[set])[code_point]; known != kUnknown) return known;
  } else if (const auto known = beyond_ascii_.find(Pair(set, code_point)); known != beyond_ascii_.end()) {
    return known->second;
  }
  const Span span = sets_[set];
  for (size_t i = span.begin; i < span.begin + span.size; ++i) {
    const Frame frame = frames_[i];
    if (frame.position == kEndOfText || !IsChar(frame.position) || !Matches(frame.position, code_point)) continue;
    work_.push_back({{After(frame.position), frame.callers}, false});
  }
  const Set next = Close();
  if (is_ascii) {
    (*ascii_[set])[code_point] = next;
  } else {
    beyond_ascii_.emplace(Pair(set, code_point), next);
    cost_ += kBeyondAsciiCost;
  }
  return next;
}

GrammarMatcher::Set GrammarMatcher::AdvanceToken(Set set, llama_token token) {
  const Span span = sets_[set];
  for (size_t i = span.begin; i < span.begin + span.size; ++i) {
    const Frame frame = frames_[i];
    if (frame.position == kEndOfText || IsChar(frame.position)) continue;
    const GrammarElement& element = elements_[frame.position];
    const bool is_same = element.value == static_cast<uint32_t>(token);
    if (is_same == (element.type == Type::kToken)) work_.push_back({{frame.position + 1, frame.callers}, false});
  }
  return Close();
}

GrammarMatcher::Set GrammarMatcher::Intern(std::vector<Frame>* frames) {
  std::sort(frames->begin(), frames->end());
  frames->erase(std::unique(frames->begin(), frames->end()), frames->end());
  const auto set = static_cast<Set>(sets_.size());
  sets_.push_back({frames_.size(), frames->size()});
  frames_.insert(frames_.end(), frames->begin(), frames->end());
  const auto [entry, is_new] = interned_.insert(set);
  if (!is_new) {
    frames_.resize(sets_.back().begin);
    sets_.pop_back();
    return *entry;
  }
  ascii_.emplace_back();
  cost_ += kSetCost + sets_.back().size;
  if (cost_ > kMaxCost) {
    throw GrammarTooAmbiguous("The grammar needs too much memory here; make it less ambiguous");
  }
  return set;
}

void GrammarMatcher::Call(size_t rule, const Frame* callers, size_t count) {
  if (callers_[rule].empty()) called_.push_back(rule);
  callers_[rule].insert(callers_[rule].end(), callers, callers + count);
  if (is_queued_[rule]) return;
  is_queued_[rule] = true;
  queue_.emplace(component_[rule], rule);
}

void GrammarMatcher::Drain() {
  while (!work_.empty()) {
    const auto [frame, is_fresh] = work_.back();
    work_.pop_back();
    const GrammarElement& element = elements_[frame.position];
    if (EndsAlternative(element) && is_fresh) continue;  // derives nothing: handled at the call, by nullable_
    // There are at most 2^24 positions, so twice the position plus the flag fits into 32 bits.
    if (!seen_.insert(Pair(2 * frame.position + (is_fresh ? 1 : 0), frame.callers)).second) continue;
    if (EndsAlternative(element)) {
      const Span& callers = sets_[frame.callers];
      for (size_t i = callers.begin; i < callers.begin + callers.size; ++i) {
        if (frames_[i].position == kEndOfText) {
          out_.push_back(frames_[i]);
        } else {
          work_.push_back({frames_[i], false});
        }
      }
    } else if (element.type == Type::kRule) {
      const Frame after{frame.position + 1, frame.callers};
      if (EndsAlternative(elements_[after.position])) {
        Call(element.value, &frames_[sets_[frame.callers].begin], sets_[frame.callers].size);
      } else {
        Call(element.value, &after, 1);
      }
      if (nullable_[element.value]) work_.push_back({after, is_fresh});
    } else {
      out_.push_back(frame);
    }
  }
}

GrammarMatcher::Set GrammarMatcher::Close() {
  Drain();
  // In this order all callers of a rule are known when it is expanded, except in cycles of tail calls.
  while (!queue_.empty()) {
    const size_t rule = queue_.top().second;
    queue_.pop();
    is_queued_[rule] = false;
    std::vector<Frame> callers = callers_[rule];
    const Set caller_set = Intern(&callers);
    callers_[rule] = std::move(callers);
    if (called_with_[rule] == caller_set) continue;
    called_with_[rule] = caller_set;
    for (const uint32_t begin : alternatives_[rule]) work_.push_back({{begin, caller_set}, true});
    Drain();
  }
  for (const size_t rule : called_) {
    callers_[rule].clear();
    called_with_[rule] = kEmpty;
  }
  called_.clear();
  seen_.clear();
  const Set set = Intern(&out_);
  out_.clear();
  return set;
}

void GrammarMatcher::Compact(std::vector<Set>* kept) {
  if (cost_ < compact_at_) return;
  // Sets refer only to sets with lower numbers.
  std::vector<bool> used(sets_.size());
  used[kEmpty] = true;
  for (const Set set : *kept) used[set] = true;
  used[start_] = true;
  for (size_t set = sets_.size(); set-- > 0;) {
    if (!used[set]) continue;
    for (size_t i = 0; i < sets_[set].size; ++i) used[frames_[sets_[set].begin + i].callers] = true;
  }
  const std::vector<Frame> frames = std::move(frames_);
  const std::vector<Span> sets = std::move(sets_);
  cost_ = 0;
  interned_.clear();
  frames_.clear();
  sets_.clear();
  ascii_.clear();
  beyond_ascii_.clear();
  std::vector<Set> renumbered(sets.size(), kEmpty);
  for (size_t set = 0; set < sets.size(); ++set) {
    if (!used[set]) continue;
    const auto begin = frames.begin() + static_cast<std::ptrdiff_t>(sets[set].begin);
    std::vector<Frame> copy(begin, begin + static_cast<std::ptrdiff_t>(sets[set].size));
    for (Frame& frame : copy) frame.callers = renumbered[frame.callers];
    renumbered[set] = Intern(&copy);
  }
  for (Set& set : *kept) set = renumbered[set];
  start_ = renumbered[start_];
  compact_at_ = std::max(kCompactAt, 2 * cost_);
}

}  // namespace autocog
