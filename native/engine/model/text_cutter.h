// Cuts long texts where no token can span, so that a tokenizer can be run on one piece after the other:
// in time linear in the text, and cancelled between pieces. Immutable.

#ifndef AUTOCOG_ENGINE_MODEL_TEXT_CUTTER_H_
#define AUTOCOG_ENGINE_MODEL_TEXT_CUTTER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/model/special_texts.h"
#include "llama.h"

namespace autocog {

class TextCutter {
 public:
  // `vocab` is only used here.
  explicit TextCutter(const llama_vocab* vocab);

  // The ends of the text's pieces, ascending; the last one is the text's. Pieces have at least `size` bytes,
  // and as few more as possible. The tokens of the text are those of the pieces, if all but the first are
  // tokenized as texts that continue another. `parse_special`: as in llama_tokenize.
  std::vector<size_t> Cut(const std::string& text, size_t size, bool parse_special) const;

  // A character that is in no token: what follows it is tokenized as a text that continues another.
  const std::string& guard() const { return guard_; }

 private:
  // Whether no token spans the boundary between the characters `left` and `right`, which `next` follows.
  // `solid` is the last character before the boundary that is not white space.
  bool IsSeam(uint32_t left, uint32_t right, uint32_t next, uint32_t solid) const;

  bool by_pairs_ = false;       // a boundary is a seam if no token contains the pair around it
  bool strips_before_ = false;  // some special tokens remove the white space before them
  bool strips_after_ = false;   // ... or after them
  std::unordered_set<uint64_t> pairs_;
  std::unordered_set<uint32_t> special_ends_;  // first and last characters of special tokens
  SpecialTexts specials_;
  std::string guard_;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_TEXT_CUTTER_H_
