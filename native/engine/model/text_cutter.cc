// See text_cutter.h.
//
// A tokenizer of the SentencePiece kind merges neighbours only into texts that are tokens, so that a boundary
// is a seam if no token contains the two characters around it next to each other. The others split a text
// into words first, or find the best segmentation into tokens. A space between two letters of ASCII starts
// a new word for every pre-tokenizer of llama.cpp, and, unless a token contains such a letter followed by a
// space, no segmentation spans it either. In front of a special token a text can always be cut.

#include "engine/model/text_cutter.h"

#include <algorithm>

namespace autocog {

namespace {

constexpr uint32_t kSpace = ' ';
// They stand for a space: in vocabularies of SentencePiece and in texts for them, and in byte-level ones.
constexpr uint32_t kSentencePieceSpace = 0x2581;
constexpr uint32_t kByteLevelSpace = 0x120;
constexpr uint32_t kPrivateUse = 0xE000;
constexpr uint32_t kEndOfPrivateUse = 0xF900;

bool IsLetter(uint32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsWhiteSpace(uint32_t c) { return c == kSpace || (c >= '\t' && c <= '\r'); }

// The character at `at`, after which `at` is moved.
uint32_t Next(const std::string& text, size_t* at) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  const uint32_t lead = byte(*at);
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  uint32_t c = length == 1 ? lead : lead & (0xFFu >> (length + 1));
  if (*at + length > text.size()) {
    ++*at;
    return lead;
  }
  for (size_t i = 1; i < length; ++i) c = (c << 6) | (byte(*at + i) & 0x3Fu);
  *at += length;
  return c;
}

uint64_t Pair(uint32_t left, uint32_t right) { return (uint64_t{left} << 32) | right; }

std::string Encode(uint32_t c) {
  return {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3F)),
          static_cast<char>(0x80 | (c & 0x3F))};
}

}  // namespace

TextCutter::TextCutter(const llama_vocab* vocab) : by_pairs_(llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_SPM) {
  std::unordered_set<uint32_t> known;
  constexpr int kSpecial = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED | LLAMA_TOKEN_ATTR_UNKNOWN;
  for (llama_token token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
    const std::string text = llama_vocab_get_text(vocab, token);
    if (text.empty()) continue;
    const int attributes = llama_vocab_get_attr(vocab, token);
    uint32_t left = 0;
    for (size_t at = 0; at < text.size();) {
      const bool first = at == 0;
      uint32_t right = Next(text, &at);
      if (right == kSentencePieceSpace || right == kByteLevelSpace) right = kSpace;
      if (right >= kPrivateUse && right < kEndOfPrivateUse) known.insert(right);
      if (!first && (by_pairs_ || right == kSpace)) pairs_.insert(Pair(left, right));
      if ((attributes & kSpecial) != 0 && (first || at == text.size())) special_ends_.insert(right);
      left = right;
    }
    if ((attributes & kSpecial) != 0) specials_.Add(text, static_cast<llama_token_attr>(attributes));
    strips_before_ = strips_before_ || (attributes & LLAMA_TOKEN_ATTR_LSTRIP) != 0;
    strips_after_ = strips_after_ || (attributes & LLAMA_TOKEN_ATTR_RSTRIP) != 0;
  }
  for (uint32_t c = kPrivateUse; c < kEndOfPrivateUse && guard_.empty(); ++c) {
    if (known.count(c) == 0) guard_ = Encode(c);
  }
}

bool TextCutter::IsSeam(uint32_t left, uint32_t right, uint32_t next, uint32_t solid) const {
  if (by_pairs_ && left == kSentencePieceSpace) left = kSpace;
  if (by_pairs_ && right == kSentencePieceSpace) right = kSpace;
  if (pairs_.count(Pair(left, right)) != 0) return false;
  if (IsLetter(left) && right == kSpace && IsLetter(next)) return special_ends_.count(left) == 0;
  if (!by_pairs_ || special_ends_.count(left) != 0 || special_ends_.count(right) != 0) return false;
  if (!IsWhiteSpace(left)) return true;
  // A special token may remove this white space, and then what follows it starts anew.
  if (strips_after_ && special_ends_.count(solid) != 0) return false;
  return !IsWhiteSpace(right) || !strips_before_;
}

std::vector<size_t> TextCutter::Cut(const std::string& text, size_t size, bool parse_special) const {
  std::vector<size_t> ends;
  const auto is_inside = [&](size_t at) { return at < text.size() && (text[at] & 0xC0) == 0x80; };
  // The last character before `known` that is not white space; 0 if there is none.
  uint32_t solid = 0;
  size_t known = 0;
  const auto look_before = [&](size_t end) {
    while (strips_after_ && known < end) {
      const uint32_t c = Next(text, &known);
      if (!IsWhiteSpace(c)) solid = c;
    }
  };
  const std::vector<size_t> specials = specials_.Find(text, parse_special);
  auto special = specials.begin();
  const auto is_special = [&](size_t end) {
    while (special != specials.end() && *special < end) ++special;
    return special != specials.end() && *special == end;
  };
  size_t at = 0;
  while (text.size() - at > size) {
    at += size;
    while (is_inside(at)) ++at;
    if (at >= text.size()) break;
    uint32_t left = Next(text, &at);
    bool found = false;
    while (at < text.size() && !found) {
      size_t after = at;
      const uint32_t right = Next(text, &after);
      size_t end = after;
      const uint32_t next = after < text.size() ? Next(text, &end) : 0;
      look_before(at);
      found = is_special(at) || IsSeam(left, right, next, solid);
      if (found) break;
      left = right;
      at = after;
    }
    if (!found) break;
    ends.push_back(at);
  }
  ends.push_back(text.size());
  return ends;
}

}  // namespace autocog
