// Converts the tokenizer of a GGUF file, byte-level BPE of type `llama-bpe`, to the files of Hugging
// Face's tokenizers. `models/write-onnx.mjs` writes them.

/** The pre-tokenization pattern: llama.cpp's for `llama-bpe`. */
const pattern =
  "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" +
  '\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

/** GGUF's token type of control tokens. */
const control = 3;

/** tokenizer.json. */
export function tokenizerOf(metadata) {
  const kind = metadata.get('tokenizer.ggml.pre');
  if (kind !== 'llama-bpe') throw new Error(`Tokenizers of the kind ${kind} are not written`);
  const tokens = metadata.get('tokenizer.ggml.tokens');
  const kinds = metadata.get('tokenizer.ggml.token_type');
  const bos = tokens[metadata.get('tokenizer.ggml.bos_token_id')];
  const special = [...tokens.keys()].filter((id) => kinds[id] === control);
  const plain = [...tokens.keys()].filter((id) => kinds[id] !== control);
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const begin = { SpecialToken: { id: bos, type_id: 0 } };
  const first = { Sequence: { id: 'A', type_id: 0 } };
  const second = { Sequence: { id: 'B', type_id: 1 } };
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((id) => ({ id, content: tokens[id], ...flags, special: true })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
        { ...byteLevel, use_regex: false },
      ],
    },
    post_processor: {
      type: 'TemplateProcessing',
      single: [begin, first],
      pair: [begin, first, second],
      special_tokens: { [bos]: { id: bos, ids: [tokens.indexOf(bos)], tokens: [bos] } },
    },
    decoder: { ...byteLevel, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: true,
      vocab: Object.fromEntries(plain.map((id) => [tokens[id], id])),
      merges: metadata.get('tokenizer.ggml.merges').map((merge) => merge.split(' ')),
    },
  };
}

/** tokenizer_config.json. */
export function tokenizerConfigOf(metadata) {
  const tokens = metadata.get('tokenizer.ggml.tokens');
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: tokens[metadata.get('tokenizer.ggml.bos_token_id')],
    eos_token: tokens[metadata.get('tokenizer.ggml.eos_token_id')],
    chat_template: metadata.get('tokenizer.chat_template'),
    clean_up_tokenization_spaces: false,
  };
}
