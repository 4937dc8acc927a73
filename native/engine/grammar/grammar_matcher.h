// Matches a text against a grammar, code point by code point, following all derivations at once. The
// state is a set of grammar positions. Equal sets are shared and transitions between sets are cached, so
// that repetitive texts cost little more than lookups. For any grammar, the time is polynomial in the
// length of the text. One per generation, on the session's thread.

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

// Thrown when the sets take more memory than any reasonable grammar needs.
class GrammarTooAmbiguous : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class GrammarMatcher {
 public:
  // The index of a set of positions in the grammar, each with the set of positions at which its rule's
  // callers continue.
  using Set = uint32_t;
  static constexpr Set kEmpty = 0;

  // REQUIRES: a grammar that passed the checks of ReadGrammar.
  explicit GrammarMatcher(Grammar grammar);
  GrammarMatcher(const GrammarMatcher&) = delete;
  GrammarMatcher& operator=(const GrammarMatcher&) = delete;

  Set start() const { return start_; }
  // Whether the grammar allows the text to end here.
  bool CanEnd(Set set) const;
  // kEmpty if the grammar does not allow the code point next.
  Set Advance(Set set, uint32_t code_point);
  // Whether any code point from `low` to `high` is allowed next.
  bool CanAdvance(Set set, uint32_t low, uint32_t high) const;
  // Whether a token element is next, and the set after such a token.
  bool ExpectsToken(Set set) const;
  Set AdvanceToken(Set set, llama_token token);

  // Frees sets that are not reachable from `kept`, if they take much memory. Renumbers `kept`.
  void Compact(std::vector<Set>* kept);

 private:
  struct Frame {
    uint32_t position;
    Set callers;
    bool operator==(const Frame& other) const { return position == other.position && callers == other.callers; }
    bool operator<(const Frame& other) const {
      return position < other.position || (position == other.position && callers < other.callers);
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
    // Whether nothing of its rule has been matched yet.
    bool is_fresh;
  };

  // Whether the class at a position matches a code point, or one in a range; and the position after it.
  bool Matches(uint32_t position, uint32_t code_point) const;
  bool MatchesRange(uint32_t position, uint32_t low, uint32_t high) const;
  uint32_t After(uint32_t position) const;
  bool IsChar(uint32_t position) const;

  Set Intern(std::vector<Frame>* frames);
  // Computes the closure of `work_` and returns its set.
  Set Close();
  // Processes `work_`: appends terminals to `out_` and queues called rules.
  void Drain();
  // Queues a rule for expansion with additional callers.
  void Call(size_t rule, const Frame* callers, size_t count);

  std::vector<GrammarElement> elements_;
  std::vector<std::vector<uint32_t>> alternatives_;  // per rule: their start positions
  std::vector<bool> nullable_;
  std::vector<size_t> component_;  // per rule; callers have greater ones

  std::vector<Frame> frames_;
  std::vector<Span> sets_;
  std::unordered_set<Set, Hash, Equal> interned_;
  std::vector<std::unique_ptr<std::array<Set, 128>>> ascii_;
  std::unordered_map<uint64_t, Set> beyond_ascii_;
  // The memory in use, and the threshold for compaction, in units of a frame.
  size_t cost_ = 0;
  size_t compact_at_;
  Set start_ = kEmpty;

  // The set being built.
  std::vector<Work> work_;
  std::unordered_set<uint64_t> seen_;
  std::vector<Frame> out_;
  std::vector<std::vector<Frame>> callers_;  // per rule
  std::vector<Set> called_with_;             // per rule: the callers of its last expansion
  std::priority_queue<std::pair<size_t, size_t>> queue_;
  std::vector<bool> is_queued_;
  std::vector<size_t> called_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_GRAMMAR_GRAMMAR_MATCHER_H_
