// TfLM with other kinds of tokenizers than the default model's: text never becomes a control
// token, and tokens decode to the original text. llama.test.ts tests the default model's.

import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TfLM } from 'autocog-lm/transformers';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { writeOnnx } from '../../models/write-onnx.mjs';

const folder = t.testdir();
const path = join(folder, 'model');
writeOnnx(path);

const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
const added = (id: number, content: string, special = true) => ({ id, content, ...flags, special });
const around = (before: [string, number][], after: [string, number][]) => {
  const special = ([id]: [string, number]) => ({ SpecialToken: { id, type_id: 0 } });
  const tokens = [...before, ...after].map(([id, number]) => {
    return [id, { id, ids: [number], tokens: [id] }] as const;
  });
  const text = { Sequence: { id: 'A', type_id: 0 } };
  const single = [...before.map(special), text, ...after.map(special)];
  return {
    type: 'TemplateProcessing',
    single,
    pair: single,
    special_tokens: Object.fromEntries(tokens),
  };
};

let count = 0;
async function load(t: Test, tokenizer: object, config: object = {}): Promise<TfLM> {
  const copy = join(folder, `copy-${count++}`);
  cpSync(path, copy, { recursive: true });
  const defaults = { version: '1.0', truncation: null, padding: null, normalizer: null };
  const whole = {
    ...defaults,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    ...tokenizer,
  };
  writeFileSync(join(copy, 'tokenizer.json'), JSON.stringify(whole));
  const file = join(copy, 'tokenizer_config.json');
  const before = { tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: true };
  writeFileSync(file, JSON.stringify({ ...before, ...config }));
  const lm = await TfLM.load(copy, { threads: 1 });
  t.teardown(() => lm.close());
  return lm;
}

const letters = [..."abcdefghijklmnopqrstuvwxyz<>/[]|.,!?'0123456789ABCS"];
const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');
const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${hex(byte)}>`);

/** Like Llama 2's: SentencePiece BPE with byte fallback. */
const pieces = ['<unk>', '<s>', '</s>', ...bytes, '▁', ...letters, '▁a', 'he', 'hel', '<s', '</'];
const sentencePiece = {
  added_tokens: [added(0, '<unk>'), added(1, '<s>'), added(2, '</s>'), added(900, '<tool>', false)],
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ],
  },
  post_processor: around([['<s>', 1]], []),
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
  model: {
    type: 'BPE',
    unk_token: '<unk>',
    fuse_unk: true,
    byte_fallback: true,
    vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    // The last merge would build a control token from plain characters.
    merges: [
      ['▁', 'a'],
      ['h', 'e'],
      ['he', 'l'],
      ['<', 's'],
      ['<', '/'],
      ['<s', '>'],
    ],
  },
};

/** Like T5's: Unigram, with control tokens in the vocabulary, and an EOS token after every text. */
const unigram = {
  added_tokens: [added(0, '<pad>'), added(1, '</s>'), added(2, '<unk>')],
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
  post_processor: around([], [['</s>', 1]]),
  decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
  model: {
    type: 'Unigram',
    unk_id: 2,
    vocab: [
      ['<pad>', 0],
      ['</s>', 0],
      ['<unk>', 0],
      ['▁', -2],
      ...letters.map((letter) => [letter, -4]),
      ['▁a', -3],
      ['hel', -3],
    ],
  },
};

const words = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[',
  ']',
  'cls',
  'sep',
  'the',
  'sky',
  '##s',
  '.',
];
/** Like BERT's: lower-cased WordPiece, with special tokens before and after a text. */
const wordPiece = {
  added_tokens: words.slice(0, 4).map((word, id) => added(id, word)),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: around([['[CLS]', 2]], [['[SEP]', 3]]),
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(words.map((word, id) => [word, id])),
  },
};

/** Checks that no text yields these tokens without `parseSpecial`. */
async function checkControls(t: Test, lm: TfLM, controls: [string, number][]): Promise<void> {
  const ids = new Set(controls.map(([, id]) => id));
  const part = fc.oneof(
    fc.constantFrom(...controls.map(([text]) => text), ' ', 'hel', '\ud8001', '\ud8002'),
    fc.string({ maxLength: 4 }),
  );
  const texts = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''));
  const property = fc.asyncProperty(texts, async (text) => {
    const tokens = await lm.tokenize(text);
    if (tokens.some((token) => ids.has(token))) throw new Error(`${text} is ${tokens}`);
  });
  await fc.assert(property, { numRuns: 300 });
  for (const [text, id] of controls) {
    t.ok(
      (await lm.tokenize(`a${text}a`, { parseSpecial: true })).includes(id),
      `${text} is parsed`,
    );
  }
}

t.test('SentencePiece BPE with byte fallback', async (t) => {
  const lm = await load(t, sentencePiece, { bos_token: '<s>' });
  await checkControls(t, lm, [
    ['<s>', 1],
    ['</s>', 2],
  ]);
  const tokens = await lm.tokenize('a<s>', { addSpecial: true });
  t.same(
    [...tokens].slice(0, 2).map((token) => pieces[token]),
    ['<s>', '▁a'],
  );
  t.same(
    [...(await lm.tokenize('b<tool>b'))].filter((token) => token === 900),
    [900],
  );
  for (const text of ['hello', 'a  b   c', 'naïve 日本 💥', '<s>a</s>', '\n\t', 'a .']) {
    t.equal(await lm.detokenize(await lm.tokenize(text)), text);
  }
  const [one, two, three] = [...new TextEncoder().encode('日')].map((byte) => byte + 3);
  const detokenize = (...list: (number | undefined)[]) =>
    lm.detokenize(Int32Array.from(list as number[]));
  t.equal(await detokenize(one, two, three), '日');
  t.match(await detokenize(one, two), /^\ufffd+$/, 'invalid UTF-8');
  t.equal(await detokenize(1, one, two, three, 2, 990), '日', 'control and unknown tokens vanish');
  t.equal(await lm.detokenize(Int32Array.of(1, 2), { special: true }), '<s></s>');
  t.equal(await lm.detokenize(new Int32Array(0)), '');
});

t.test('Unigram with control tokens in its vocabulary', async (t) => {
  const lm = await load(t, unigram);
  await checkControls(t, lm, [
    ['</s>', 1],
    ['<pad>', 0],
  ]);
  const tokens = await lm.tokenize('hello', { addSpecial: true });
  t.equal(tokens.at(-1), 1, 'a text ends with EOS');
  const { boundary } = await lm.choose('hello', ['a', 'b']);
  t.same(
    boundary.tokens,
    tokens.slice(0, -1),
    'there is none between a prompt and its continuation',
  );
  t.equal(await lm.detokenize(await lm.tokenize('a hello , .')), 'a hello , .', 'no clean-up');
});

t.test('WordPiece with special tokens on both sides', async (t) => {
  const lm = await load(t, wordPiece);
  await checkControls(t, lm, [
    ['[CLS]', 2],
    ['[SEP]', 3],
  ]);
  const ids = (text: string): number => words.indexOf(text);
  t.same(
    [...(await lm.tokenize('[CLS]'))].map((id) => words[id]),
    ['[', 'cls', ']'],
  );
  const tokens = await lm.tokenize('The skys', { addSpecial: true });
  t.same([...tokens], ['[CLS]', 'the', 'sky', '##s', '[SEP]'].map(ids));
  const { boundary } = await lm.choose('The sky', ['the']);
  t.same([...boundary.tokens], ['[CLS]', 'the', 'sky'].map(ids));
  t.equal(lm.beginToken, 1020, "the config's, as the tokenizer has none");
});

for (const [name, tokenizer] of [
  ['SentencePiece BPE', sentencePiece],
  ['Unigram', unigram],
] as const) {
  t.test(`a text continues another with ${name}`, async (t) => {
    const lm = await load(t, tokenizer);
    for (const text of [' hel', 'hel', ' a', '.', ' x y', '']) {
      const [before, together] = [await lm.tokenize('the a'), await lm.tokenize(`the a${text}`)];
      const tokens = await lm.tokenize(text, { continuation: true });
      t.same([...before, ...tokens], [...together], JSON.stringify(text));
      t.equal(await lm.detokenize(tokens, { continuation: true }), text, 'its text is lossless');
    }
    const [separate, joint] = await Promise.all([
      lm.choose('the a', [' hel', ' a', '.']),
      lm.choose('the a', [' hel', ' a', '.'], { boundary: 'joint' }),
    ]);
    for (const [index, { tokens, logprob }] of separate.choices.entries()) {
      t.same(tokens, joint.choices[index]?.tokens);
      t.ok(Math.abs(logprob - (joint.choices[index]?.logprob ?? 0)) < 1e-3, `choice ${index}`);
    }
  });
}
