// Text to tokens and back. A view of a model's vocabulary; const and safe from any thread
// while the model lives.

#ifndef AUTOCOG_ENGINE_MODEL_VOCABULARY_H_
#define AUTOCOG_ENGINE_MODEL_VOCABULARY_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/common/status.h"
#include "engine/model/token_trie.h"
#include "llama.h"

namespace autocog {

using Tokens = std::vector<llama_token>;

// What there is to know of every token, by its id.
struct TokenTable {
  std::string texts;          // one after the other, as the file writes them
  std::vector<int32_t> ends;  // where each ends in `texts`
  std::vector<float> scores;
  std::vector<int32_t> attributes;  // llama_token_attr
};

class Vocabulary {
 public:
  // `vocab` must outlive this.
  explicit Vocabulary(const llama_vocab* vocab);

  int size() const { return size_; }
  const llama_vocab* raw() const { return vocab_; }
  // "none", "spm", "bpe", "wpm", "ugm", "rwkv", "plamo2" or "test".
  const char* type_name() const;
  // Every token that ends a generation, ascending.
  const Tokens& end_of_generation() const { return end_of_generation_; }
  bool IsEndOfGeneration(llama_token token) const { return llama_vocab_is_eog(vocab_, token); }
  bool Contains(llama_token token) const { return token >= 0 && token < size_; }

  // kOutOfRange, naming the first token that is not in the vocabulary.
  Status Check(const Tokens& tokens) const;

  // `add_special`: the vocabulary's own BOS/EOS policy. `parse_special`: control tokens
  // written out in the text become those tokens; else they are plain text.
  Result<Tokens> Tokenize(const std::string& text, bool add_special, bool parse_special) const;

  // Bytes, which need not be whole UTF-8 characters. `special`: write control tokens out.
  Result<std::string> Detokenize(const Tokens& tokens, bool special) const;

  // Empty where the model has no vocabulary.
  TokenTable Table() const;

  // The bytes that a token adds in the middle of a text; empty for a control token.
  Result<std::string> TokenBytes(llama_token token) const;

  // What tokens add to a text, control tokens written out, but for those that end a generation: made
  // on the first call. REQUIRES: a tokenizer.
  const TokenTrie& trie() const;

 private:
  // Whether a text is its tokens' bytes, one after the other. llama_detokenize would take
  // away spaces before punctuation where a file asks for that, which loses text.
  bool IsConcatenative() const;
  std::string Concatenate(const Tokens& tokens, bool special) const;
  std::string Piece(llama_token token, bool special) const;

  const llama_vocab* vocab_;
  int size_;
  Tokens end_of_generation_;
  struct Lazy {
    std::once_flag once;
    std::unique_ptr<TokenTrie> trie;
  };
  std::shared_ptr<Lazy> lazy_ = std::make_shared<Lazy>();
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_MODEL_VOCABULARY_H_
