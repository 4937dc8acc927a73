// Tokenization and detokenization. A view of a model's vocabulary: immutable and thread-safe while the
// model exists.

#ifndef AUTOCOG_ENGINE_MODEL_VOCABULARY_H_
#define AUTOCOG_ENGINE_MODEL_VOCABULARY_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/common/cancellation.h"
#include "engine/common/status.h"
#include "engine/model/text_cutter.h"
#include "engine/model/token_trie.h"
#include "llama.h"

namespace autocog {

using Tokens = std::vector<llama_token>;

// The properties of every token, by id.
struct TokenTable {
  std::string texts;          // concatenated, as stored in the file
  std::vector<int32_t> ends;  // end of each text in `texts`
  std::vector<float> scores;
  std::vector<int32_t> attributes;  // llama_token_attr
};

class Vocabulary {
 public:
  // Bytes of a text that are tokenized at a time: some milliseconds.
  static constexpr size_t kPieceSize = size_t{16} << 10;

  // `vocab` must outlive this.
  explicit Vocabulary(const llama_vocab* vocab);

  // Refuses longer runs of digits: for pre-tokenizers whose time grows with the square of their length.
  void LimitDigits(size_t count) { max_digits_ = count; }

  int size() const { return size_; }
  const llama_vocab* raw() const { return vocab_; }
  // "none", "spm", "bpe", "wpm", "ugm", "rwkv", "plamo2" or "test".
  const char* type_name() const;
  // All end-of-generation tokens, ascending.
  const Tokens& end_of_generation() const { return end_of_generation_; }
  bool IsEndOfGeneration(llama_token token) const { return llama_vocab_is_eog(vocab_, token); }
  bool Contains(llama_token token) const { return token >= 0 && token < size_; }

  // kOutOfRange if a token is not in the vocabulary; the message has the first one.
  Status Check(const Tokens& tokens) const;

  // Texts of any length are safe: llama.cpp's pre-tokenizers that use std::regex recurse once per
  // character, so long texts are tokenized on a stack of their own. kOutOfRange for a stretch of more than
  // kMaxStretch characters (text_shape.h) that such a tokenizer cannot split.
  // `add_special`: add BOS/EOS as the model requires. `parse_special`: parse control tokens in the text;
  // otherwise they are tokenized as plain text.
  // Texts longer than twice `piece_size` bytes are tokenized in pieces, see TextCutter: with the same result,
  // but in linear time, and cancelled between pieces.
  Result<Tokens> Tokenize(const std::string& text, bool add_special, bool parse_special,
                          const Cancellation& cancellation = Cancellation(nullptr, nullptr),
                          size_t piece_size = kPieceSize) const;

  // Returns bytes, which may contain incomplete UTF-8 characters. `special`: include control tokens.
  // `continuation`: the bytes that the tokens add to a text, where some tokenizers would drop a space at
  // the beginning or before punctuation.
  Result<std::string> Detokenize(const Tokens& tokens, bool special, bool continuation) const;

  // Empty if the model has no vocabulary.
  TokenTable Table() const;

  // The bytes of a token in the middle of a text; empty for a control token.
  Result<std::string> TokenBytes(llama_token token) const;

  // The bytes of a token at the beginning of a text, where tokenizers that put a space in front of every text
  // drop it.
  Result<std::string> FirstTokenBytes(llama_token token) const { return Detokenize({token}, false, false); }

  // The texts of all tokens, including control tokens but not end-of-generation tokens. Created on the
  // first call. REQUIRES: a tokenizer.
  const TokenTrie& trie() const;

 private:
  // These throw what llama_tokenize throws, and std::out_of_range with a message for the caller.
  Tokens TokenizeHere(const std::string& text, bool add_special, bool parse_special) const;
  Tokens TokenizePiece(const std::string& text, bool add_special, bool parse_special) const;
  // Empty if the pieces cannot be tokenized apart from each other, or after a cancellation.
  Tokens TokenizePieces(const std::string& text, bool add_special, bool parse_special, const Cancellation& cancellation,
                        size_t piece_size) const;
  // The tokens of a text that continues another; false if it cannot be told from them.
  bool TokenizeContinuation(const std::string& text, bool parse_special, Tokens* tokens) const;
  const TextCutter& cutter() const;
  // Bytes of stack that the tokenizer uses per character of a text that it cannot split.
  size_t StackPerCharacter() const;
  // Whether a text is the concatenation of its tokens' bytes. For these models llama_detokenize could
  // remove spaces before punctuation (clean_up_tokenization_spaces), which would lose text.
  bool IsConcatenative() const;
  std::string Concatenate(const Tokens& tokens, bool special) const;
  std::string Piece(llama_token token, bool special) const;

  const llama_vocab* vocab_;
  int size_;
  size_t max_digits_ = 0;  // 0: any number
  Tokens end_of_generation_;
  // Computed when first needed.
  struct Lazy {
    std::once_flag trie_once;
    std::unique_ptr<TokenTrie> trie;
    std::once_flag stack_once;
    size_t stack_per_character = 0;
    std::once_flag cutter_once;
    std::unique_ptr<TextCutter> cutter;
    Tokens guard;  // the tokens of the cutter's guard
  };
  std::shared_ptr<Lazy> lazy_ = std::make_shared<Lazy>();
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_VOCABULARY_H_
