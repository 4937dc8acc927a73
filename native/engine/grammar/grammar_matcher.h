// Follows a grammar through a text, code point by code point, along all derivations at once. What is
// still possible at a place is a set; equal sets are one, and where a code point leads from a set is
// kept, so that a text of many equal parts costs little more than looking up. The work is polynomial
// in the text, whatever the grammar. One per generation, on the session's thread.

#ifndef AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_MATCHER_H_
#define AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_MATCHER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <queue>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/grammar/grammar.h"
#include "llama.h"

namespace autocog {

// Thrown when the sets take more memory than any sensible grammar needs.
class GrammarTooAmbiguous : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class GrammarMatcher {
 public:
  // A set of places in the grammar, each with a set of places to go on from after its rule.
  using Set = uint32_t;
  static constexpr Set kNothing = 0;

  // REQUIRES: a grammar that passed the checks of ReadGrammar.
  explicit GrammarMatcher(Grammar grammar);
  GrammarMatcher(const GrammarMatcher&) = delete;
  GrammarMatcher& operator=(const GrammarMatcher&) = delete;

  Set start() const { return start_; }
  // Whether the text may end here.
  bool MayEnd(Set set) const;
  // kNothing where the code point cannot come next.
  Set Advance(Set set, uint32_t code_point);
  // Whether one of the code points from `low` to `high` can come next.
  bool MayAdvance(Set set, uint32_t low, uint32_t high) const;
  // Whether a whole token is asked for here, and where this one leads.
  bool AsksForToken(Set set) const;
  Set AdvanceToken(Set set, llama_token token);

  // Forgets what `kept` are not made of, if there is much of it. The sets have other numbers then.
  void Compact(std::vector<Set>* kept);

 private:
  struct Frame {
    uint32_t place;
    Set rest;
    bool operator==(const Frame& other) const { return place == other.place && rest == other.rest; }
    bool operator<(const Frame& other) const {
      return place < other.place || (place == other.place && rest < other.rest);
    }
  };
  struct Span {
    size_t begin;
    size_t size;
  };
  struct Hash {
    const GrammarMatcher* matcher;
    size_t operator()(Set set) const;
  };
  struct Equal {
    const GrammarMatcher* matcher;
    bool operator()(Set a, Set b) const;
  };
  struct Work {
    Frame frame;
    // Whether nothing of its rule has been read.
    bool is_fresh;
  };

  // The code points of the class at a place, and the place behind it.
  bool Matches(uint32_t place, uint32_t code_point) const;
  bool MatchesSome(uint32_t place, uint32_t low, uint32_t high) const;
  uint32_t Behind(uint32_t place) const;
  bool IsChar(uint32_t place) const;

  Set Intern(std::vector<Frame>* frames);
  // The set of what can come next after `kernel_`.
  Set Close();
  void Drain();
  void Call(size_t rule, const Frame* callers, size_t count);

  std::vector<GrammarElement> elements_;
  std::vector<std::vector<uint32_t>> alternatives_;  // of each rule: where they begin
  std::vector<bool> nullable_;
  std::vector<size_t> component_;  // callers have greater ones

  std::vector<Frame> frames_;
  std::vector<Span> sets_;
  std::unordered_set<Set, Hash, Equal> interned_;
  std::vector<std::unique_ptr<std::array<Set, 128>>> ascii_;
  std::unordered_map<uint64_t, Set> beyond_ascii_;
  // In frames' worth of memory: what there is, and when to look for what is of no more use.
  size_t cost_ = 0;
  size_t compact_at_;
  Set start_ = kNothing;

  // Of the set that is being made.
  std::vector<Work> work_;
  std::unordered_set<uint64_t> seen_;
  std::vector<Frame> out_;
  std::vector<std::vector<Frame>> callers_;  // of each rule
  std::vector<Set> called_with_;             // of each rule, what it was last followed with
  std::priority_queue<std::pair<size_t, size_t>> queue_;
  std::vector<bool> is_queued_;
  std::vector<size_t> called_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_MATCHER_H_
