// Tokenizers of real models against llama.cpp's test cases: token ids, and round trips.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Model } from 'autocog-lm';
import t, { type Test } from 'tap';

const folder = 'llama.cpp/models';
const files = readdirSync(folder).filter((name) => /^ggml-vocab-.*\.gguf$/.test(name));

/** Lossy tokenizers: why, and the number of round trips after which the text no longer changes. */
const lossy: Readonly<Record<string, { why: string; rounds: number }>> = {
  'ggml-vocab-bert-bge.gguf': {
    why: 'WPM lowercases, strips accents and collapses whitespace',
    rounds: 1,
  },
  'ggml-vocab-nomic-bert-moe.gguf': {
    why: 'UGM normalizes to NFKC, and unknown characters become a token without text',
    rounds: 2,
  },
};

/** Texts with the ids from Hugging Face's tokenizers. */
function casesOf(file: string): { text: string; ids: number[] }[] {
  const texts = readFileSync(join(folder, `${file}.inp`), 'utf8').split('\n__ggml_vocab_test__\n');
  const lines = readFileSync(join(folder, `${file}.out`), 'utf8').split('\n');
  return texts.map((text, index) => {
    return { text, ids: (lines[index]?.match(/\d+/g) ?? []).map(Number) };
  });
}

const hasCases = (file: string): boolean => existsSync(join(folder, `${file}.inp`));

/** The texts for files without test cases. */
const otherTexts = casesOf('ggml-vocab-llama-bpe.gguf').map(({ text }) => text);

const bytesOf = (model: Model, tokens: Int32Array): Buffer =>
  Buffer.concat([...tokens].map((token) => model.tokenBytes(token)));

function checkRoundTrip(t: Test, model: Model, texts: readonly string[]): void {
  // SentencePiece prepends a space to a text; it is part of the first token's bytes.
  const prefix = model.vocab.type === 'spm' ? ' ' : '';
  const wrongText: unknown[] = [];
  const wrongBytes: unknown[] = [];
  for (const text of texts) {
    const tokens = model.tokenizeSync(text);
    const actual = model.detokenizeSync(tokens);
    if (actual !== text) wrongText.push({ text, actual });
    const bytes = bytesOf(model, tokens).toString();
    if (bytes !== text && bytes !== prefix + text) wrongBytes.push({ text, bytes });
  }
  t.same(wrongText, [], 'detokenize returns the text');
  t.same(wrongBytes, [], 'the concatenated tokenBytes are the text');
}

/** A lossy tokenizer still reaches a fixed point. */
function checkSettles(t: Test, model: Model, texts: readonly string[], rounds: number): void {
  const roundTrip = (text: string): string => model.detokenizeSync(model.tokenizeSync(text));
  const unstable: unknown[] = [];
  for (const text of texts) {
    let settled = text;
    for (let round = 0; round < rounds; round++) settled = roundTrip(settled);
    if (roundTrip(settled) !== settled) unstable.push({ text, settled, next: roundTrip(settled) });
  }
  t.same(unstable, [], `no changes after ${rounds} round trips`);
  t.ok(
    texts.some((text) => roundTrip(text).trim() !== text.trim()),
    'and it is actually lossy',
  );
}

t.test('the vendored release has the vocabularies tested here', async (t) => {
  t.ok(files.filter(hasCases).length >= 15);
  for (const file of Object.keys(lossy)) t.ok(files.includes(file), file);
});

for (const file of files) {
  t.test(file, async (t) => {
    const model = await Model.load(join(folder, file), { vocabOnly: true });
    t.teardown(() => model.close());
    const cases = hasCases(file) ? casesOf(file) : [];
    if (cases.length > 0) {
      const wrong = cases.filter(({ text, ids }) => {
        return `${model.tokenizeSync(text)}` !== `${ids}`;
      });
      t.same(wrong, [], `all ${cases.length} texts have the expected ids`);
      t.ok(cases.some(({ ids }) => ids.length > 20));
    }
    const texts = cases.length > 0 ? cases.map(({ text }) => text) : otherTexts;
    const loss = lossy[file];
    if (loss === undefined) return checkRoundTrip(t, model, texts);
    t.test(`lossy: ${loss.why}`, async (t) => checkSettles(t, model, texts, loss.rounds));
  });
}

t.test('a lossless tokenizer round-trips text of any code points', async (t) => {
  const model = await Model.load(join(folder, 'ggml-vocab-qwen2.gguf'), { vocabOnly: true });
  t.teardown(() => model.close());
  let text = '';
  for (let point = 1; point < 0x20000; point += 37) {
    if (point < 0xd800 || point > 0xdfff) text += String.fromCodePoint(point);
  }
  text += 'a  b\r\n\t \0 .'.repeat(3);
  const tokens = await model.tokenize(text);
  t.same(bytesOf(model, tokens), Buffer.from(text), 'as bytes');
  t.equal(await model.detokenize(tokens), text, 'as text');
});
