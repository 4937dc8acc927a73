// Tokenizers of real models against llama.cpp's own cases: the ids, and the way back.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Model } from 'autocog-lm';
import t, { type Test } from 'tap';

const folder = 'llama.cpp/models';
const files = readdirSync(folder).filter((name) => /^ggml-vocab-.*\.gguf$/.test(name));

/** Tokenizers that do not keep a text, why, and after how many round trips nothing changes. */
const lossy: Readonly<Record<string, { why: string; rounds: number }>> = {
  'ggml-vocab-bert-bge.gguf': {
    why: 'WPM lowers case, strips accents and folds white space',
    rounds: 1,
  },
  'ggml-vocab-nomic-bert-moe.gguf': {
    why: 'UGM normalises to NFKC, and what it does not know becomes a token without text',
    rounds: 2,
  },
};

/** Texts, and the ids that Hugging Face's tokenizers gave for each. */
function casesOf(file: string): { text: string; ids: number[] }[] {
  const texts = readFileSync(join(folder, `${file}.inp`), 'utf8').split('\n__ggml_vocab_test__\n');
  const lines = readFileSync(join(folder, `${file}.out`), 'utf8').split('\n');
  return texts.map((text, index) => {
    return { text, ids: (lines[index]?.match(/\d+/g) ?? []).map(Number) };
  });
}

const hasCases = (file: string): boolean => existsSync(join(folder, `${file}.inp`));

/** Files without cases of their own are tried with these texts. */
const otherTexts = casesOf('ggml-vocab-llama-bpe.gguf').map(({ text }) => text);

const bytesOf = (model: Model, tokens: Int32Array): Buffer =>
  Buffer.concat([...tokens].map((token) => model.tokenBytes(token)));

function checkRoundTrip(t: Test, model: Model, texts: readonly string[]): void {
  // SentencePiece puts a space before a text, which is a byte of its first token.
  const prefix = model.vocab.type === 'spm' ? ' ' : '';
  const wrongText: unknown[] = [];
  const wrongBytes: unknown[] = [];
  for (const text of texts) {
    const tokens = model.tokenizeSync(text);
    const found = model.detokenizeSync(tokens);
    if (found !== text) wrongText.push({ text, found });
    const bytes = bytesOf(model, tokens).toString();
    if (bytes !== text && bytes !== prefix + text) wrongBytes.push({ text, bytes });
  }
  t.same(wrongText, [], 'detokenize gives the text');
  t.same(wrongBytes, [], 'tokenBytes, joined, give the text');
}

/** What is true of a tokenizer that loses something: it does not lose more and more. */
function checkSettles(t: Test, model: Model, texts: readonly string[], rounds: number): void {
  const again = (text: string): string => model.detokenizeSync(model.tokenizeSync(text));
  const unstable: unknown[] = [];
  for (const text of texts) {
    let settled = text;
    for (let round = 0; round < rounds; round++) settled = again(settled);
    if (again(settled) !== settled) unstable.push({ text, settled, again: again(settled) });
  }
  t.same(unstable, [], `after round trip ${rounds} nothing changes`);
  t.ok(
    texts.some((text) => again(text).trim() !== text.trim()),
    'and it is lossy indeed',
  );
}

t.test('the vendored release has the vocabularies that are tested here', async (t) => {
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
      t.same(wrong, [], `all ${cases.length} texts have the ids that they should`);
      t.ok(cases.some(({ ids }) => ids.length > 20));
    }
    const texts = cases.length > 0 ? cases.map(({ text }) => text) : otherTexts;
    const loss = lossy[file];
    if (loss === undefined) return checkRoundTrip(t, model, texts);
    t.test(`it is lossy: ${loss.why}`, async (t) => checkSettles(t, model, texts, loss.rounds));
  });
}

t.test('a text of any code points comes back from a lossless tokenizer', async (t) => {
  const model = await Model.load(join(folder, 'ggml-vocab-qwen2.gguf'), { vocabOnly: true });
  t.teardown(() => model.close());
  let text = '';
  for (let point = 1; point < 0x20000; point += 37) {
    if (point < 0xd800 || point > 0xdfff) text += String.fromCodePoint(point);
  }
  text += 'a  b\r\n\t \0 .'.repeat(3);
  const tokens = await model.tokenize(text);
  t.same(bytesOf(model, tokens), Buffer.from(text), 'by bytes');
  t.equal(await model.detokenize(tokens), text, 'as text');
});
