// See vocabulary.h. The checks here prevent failing assertions in llama-vocab.cpp, which would abort the
// process.

#include "engine/model/vocabulary.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <stdexcept>

#include "engine/common/assertion.h"
#include "engine/common/deep_stack.h"
#include "engine/model/text_shape.h"

namespace autocog {

namespace {

// Bytes that may be tokenized on any stack: at some 320 bytes each they stay well within what V8 leaves
// for native code below the end of JavaScript's stack.
constexpr size_t kShallowText = 256;
// What a tokenizer needs besides its recursion.
constexpr size_t kBaseStack = size_t{4} << 20;
// Bytes of stack per character from which a tokenizer is recursive. Others use some kilobytes in all.
constexpr size_t kRecursive = 64;

}  // namespace

Vocabulary::Vocabulary(const llama_vocab* vocab) : vocab_(vocab), size_(llama_vocab_n_tokens(vocab)) {
  if (llama_vocab_type(vocab_) == LLAMA_VOCAB_TYPE_NONE) return;
  for (llama_token token = 0; token < size_; ++token) {
    if (llama_vocab_is_eog(vocab_, token)) end_of_generation_.push_back(token);
  }
}

const char* Vocabulary::type_name() const {
  switch (llama_vocab_type(vocab_)) {
    case LLAMA_VOCAB_TYPE_NONE:
      return "none";
    case LLAMA_VOCAB_TYPE_SPM:
      return "spm";
    case LLAMA_VOCAB_TYPE_BPE:
      return "bpe";
    case LLAMA_VOCAB_TYPE_WPM:
      return "wpm";
    case LLAMA_VOCAB_TYPE_UGM:
      return "ugm";
    case LLAMA_VOCAB_TYPE_RWKV:
      return "rwkv";
    case LLAMA_VOCAB_TYPE_PLAMO2:
      return "plamo2";
    case LLAMA_VOCAB_TYPE_TEST:
      return "test";
  }
  return "none";
}

Status Vocabulary::Check(const Tokens& tokens) const {
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!Contains(tokens[i])) {
      return Status(Code::kOutOfRange, "Expected token ids from 0 to " + std::to_string(size_ - 1) + ", got " +
                                           std::to_string(tokens[i]) + " at index " + std::to_string(i));
    }
  }
  return Status::Ok();
}

Result<Tokens> Vocabulary::Tokenize(const std::string& text, bool add_special, bool parse_special,
                                    const Cancellation& cancellation, size_t piece_size) const {
  if (cancellation.requested()) return cancellation.status();
  if (llama_vocab_type(vocab_) == LLAMA_VOCAB_TYPE_NONE) {
    return Status(Code::kNotSupported, "This model has no tokenizer; pass token ids");
  }
  if (text.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max()) / 4) {
    return Status(Code::kOutOfRange,
                  "Expected a text of less than 512 MiB, got " + std::to_string(text.size()) + " bytes");
  }
  if (max_digits_ > 0 && LongestDigits(text) > max_digits_) {
    return Status(Code::kOutOfRange, "Expected at most " + std::to_string(max_digits_) +
                                         " digits in a row for this model's tokenizer, got " +
                                         std::to_string(LongestDigits(text)));
  }
  // llama.cpp asserts that a vocabulary which adds BOS or EOS also defines it.
  if (add_special && llama_vocab_get_add_bos(vocab_) && llama_vocab_bos(vocab_) == LLAMA_TOKEN_NULL) {
    return Status(Code::kNotSupported, "This model requires a BOS token but defines none");
  }
  if (add_special && llama_vocab_get_add_eos(vocab_) && llama_vocab_eos(vocab_) == LLAMA_TOKEN_NULL) {
    return Status(Code::kNotSupported, "This model requires an EOS token but defines none");
  }
  try {
    Tokens tokens;
    if (text.size() > 2 * piece_size) {
      tokens = TokenizePieces(text, add_special, parse_special, cancellation, piece_size);
      if (cancellation.requested()) return cancellation.status();
    }
    if (tokens.empty()) tokens = TokenizePiece(text, add_special, parse_special);
    if (std::all_of(tokens.begin(), tokens.end(), [this](llama_token token) { return Contains(token); })) return tokens;
    // llama.cpp then adds -1 for the characters, or an id that the file names.
    return Status(Code::kNotSupported, "This model's tokenizer has no tokens for a part of the text");
  } catch (const std::out_of_range& error) {
    return Status(Code::kOutOfRange, error.what());
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "Not enough memory to tokenize the text");
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The tokenizer failed", error.what());
  }
}

Tokens Vocabulary::TokenizePieces(const std::string& text, bool add_special, bool parse_special,
                                  const Cancellation& cancellation, size_t piece_size) const {
  const std::vector<size_t> ends = cutter().Cut(text, piece_size, parse_special);
  if (ends.size() == 1) return {};
  const std::string first = text.substr(0, ends.front());
  const Tokens whole = TokenizePiece(first, add_special, parse_special);
  Tokens tokens = TokenizePiece(first, false, parse_special);
  // What is added to a text: before its tokens, and after them.
  if (whole.size() < tokens.size()) return {};
  const bool starts =
      whole.size() > tokens.size() && llama_vocab_get_add_bos(vocab_) && whole.front() == llama_vocab_bos(vocab_);
  const auto begin = whole.begin() + (starts ? 1 : 0);
  if (!std::equal(tokens.begin(), tokens.end(), begin)) return {};
  const Tokens after(begin + static_cast<std::ptrdiff_t>(tokens.size()), whole.end());
  tokens.insert(tokens.begin(), whole.begin(), begin);
  for (size_t i = 1; i < ends.size(); ++i) {
    if (cancellation.requested()) return {};
    Tokens piece;
    if (!TokenizeContinuation(text.substr(ends[i - 1], ends[i] - ends[i - 1]), parse_special, &piece)) return {};
    tokens.insert(tokens.end(), piece.begin(), piece.end());
  }
  tokens.insert(tokens.end(), after.begin(), after.end());
  return tokens;
}

bool Vocabulary::TokenizeContinuation(const std::string& text, bool parse_special, Tokens* tokens) const {
  const enum llama_vocab_type type = llama_vocab_type(vocab_);
  if (type != LLAMA_VOCAB_TYPE_SPM && type != LLAMA_VOCAB_TYPE_UGM) {
    *tokens = TokenizePiece(text, false, parse_special);
    return true;
  }
  const Tokens& guard = lazy_->guard;
  const Tokens guarded = TokenizePiece(cutter().guard() + text, false, parse_special);
  if (guard.empty() || guarded.size() < guard.size() || !std::equal(guard.begin(), guard.end(), guarded.begin())) {
    return false;
  }
  tokens->assign(guarded.begin() + static_cast<std::ptrdiff_t>(guard.size()), guarded.end());
  return true;
}

const TextCutter& Vocabulary::cutter() const {
  std::call_once(lazy_->cutter_once, [this] {
    lazy_->cutter = std::make_unique<TextCutter>(vocab_);
    if (!lazy_->cutter->guard().empty()) lazy_->guard = TokenizeHere(lazy_->cutter->guard(), false, false);
  });
  return *lazy_->cutter;
}

Tokens Vocabulary::TokenizePiece(const std::string& text, bool add_special, bool parse_special) const {
  if (text.size() <= kShallowText) return TokenizeHere(text, add_special, parse_special);
  const size_t per_character = StackPerCharacter();
  if (per_character < kRecursive) return TokenizeHere(text, add_special, parse_special);
  const size_t stretch = LongestStretch(text);
  if (stretch > kMaxStretch) {
    throw std::out_of_range("Expected at most " + std::to_string(kMaxStretch) +
                            " characters in a row that this model's tokenizer cannot split, got " +
                            std::to_string(stretch));
  }
  Tokens tokens;
  // Twice what was measured.
  const size_t stack = kBaseStack + 2 * per_character * stretch;
  RunWithStack(stack, [&] { tokens = TokenizeHere(text, add_special, parse_special); });
  return tokens;
}

Tokens Vocabulary::TokenizeHere(const std::string& text, bool add_special, bool parse_special) const {
  AssertionGuard guard;
  Tokens tokens(text.size() + 8);
  const auto length = static_cast<int32_t>(text.size());
  int32_t count = llama_tokenize(vocab_, text.data(), length, tokens.data(), static_cast<int32_t>(tokens.size()),
                                 add_special, parse_special);
  if (count == std::numeric_limits<int32_t>::min()) throw std::runtime_error("more tokens than can be counted");
  if (count < 0) {
    tokens.resize(static_cast<size_t>(-count));
    count = llama_tokenize(vocab_, text.data(), length, tokens.data(), -count, add_special, parse_special);
  }
  if (count < 0) throw std::runtime_error("inconsistent lengths");
  tokens.resize(static_cast<size_t>(count));
  return tokens;
}

size_t Vocabulary::StackPerCharacter() const {
  std::call_once(lazy_->stack_once, [this] {
    constexpr size_t kCount = 1024;
    constexpr size_t kStack = size_t{4} << 20;
    // Runs of every class that patterns have branches for: letters of both cases and of both together, digits,
    // punctuation, symbols, spaces, tabs, line ends, marks, ideographs, digits beyond ASCII.
    for (const char* unit : {"a", "A", "aA", "7", "!", "=", " ", "\t", "\n", "\xcc\x81", "\xe4\xb8\xad", "\xd9\xa3"}) {
      std::string text;
      for (size_t i = 0; i < kCount; ++i) text += unit;
      const size_t used = MeasureStack(kStack, [&] { TokenizeHere(text, false, false); });
      lazy_->stack_per_character = std::max(lazy_->stack_per_character, used / kCount);
    }
  });
  return lazy_->stack_per_character;
}

Result<std::string> Vocabulary::Detokenize(const Tokens& tokens, bool special, bool continuation) const {
  if (llama_vocab_type(vocab_) == LLAMA_VOCAB_TYPE_NONE) {
    return Status(Code::kNotSupported, "This model has no tokenizer, so its tokens have no text");
  }
  if (Status status = Check(tokens); !status.ok()) return status;
  if (tokens.empty()) return std::string();
  if (continuation || IsConcatenative()) return Concatenate(tokens, special);
  try {
    std::string text(tokens.size() * 8 + 16, '\0');
    const auto count = static_cast<int32_t>(tokens.size());
    int32_t length = llama_detokenize(vocab_, tokens.data(), count, text.data(), static_cast<int32_t>(text.size()),
                                      /*remove_special=*/false, special);
    if (length < 0) {
      text.resize(static_cast<size_t>(-length));
      length = llama_detokenize(vocab_, tokens.data(), count, text.data(), -length, false, special);
    }
    if (length < 0) return Status(Code::kInternal, "The detokenizer returned inconsistent lengths");
    text.resize(static_cast<size_t>(length));
    return text;
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "The detokenizer failed", error.what());
  }
}

bool Vocabulary::IsConcatenative() const {
  const enum llama_vocab_type type = llama_vocab_type(vocab_);
  return type == LLAMA_VOCAB_TYPE_BPE || type == LLAMA_VOCAB_TYPE_RWKV || type == LLAMA_VOCAB_TYPE_PLAMO2;
}

std::string Vocabulary::Concatenate(const Tokens& tokens, bool special) const {
  std::string text;
  for (llama_token token : tokens) text += Piece(token, special);
  return text;
}

Result<std::string> Vocabulary::TokenBytes(llama_token token) const {
  if (llama_vocab_type(vocab_) == LLAMA_VOCAB_TYPE_NONE) {
    return Status(Code::kNotSupported, "This model has no tokenizer, so its tokens have no text");
  }
  if (Status status = Check({token}); !status.ok()) return status;
  return Piece(token, false);
}

const TokenTrie& Vocabulary::trie() const {
  std::call_once(lazy_->trie_once, [this] {
    std::vector<std::string> bytes(static_cast<size_t>(size_));
    for (llama_token token = 0; token < size_; ++token) {
      if (!IsEndOfGeneration(token)) bytes[static_cast<size_t>(token)] = Piece(token, /*special=*/true);
    }
    lazy_->trie = std::make_unique<TokenTrie>(bytes);
  });
  return *lazy_->trie;
}

TokenTable Vocabulary::Table() const {
  TokenTable table;
  if (llama_vocab_type(vocab_) == LLAMA_VOCAB_TYPE_NONE) return table;
  for (llama_token token = 0; token < size_; ++token) {
    table.texts += llama_vocab_get_text(vocab_, token);
    table.ends.push_back(static_cast<int32_t>(table.texts.size()));
    table.scores.push_back(llama_vocab_get_score(vocab_, token));
    table.attributes.push_back(llama_vocab_get_attr(vocab_, token));
  }
  return table;
}

std::string Vocabulary::Piece(llama_token token, bool special) const {
  std::string bytes(32, '\0');
  int32_t length = llama_token_to_piece(vocab_, token, bytes.data(), static_cast<int32_t>(bytes.size()), 0, special);
  if (length < 0) {
    bytes.resize(static_cast<size_t>(-length));
    length = llama_token_to_piece(vocab_, token, bytes.data(), -length, 0, special);
  }
  bytes.resize(length < 0 ? 0 : static_cast<size_t>(length));
  return bytes;
}

}  // namespace autocog
