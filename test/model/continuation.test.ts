// Continuations with the tokenizers of real models: their tokens after those of a context are the
// tokens of both together, and the text of every token is what it adds to a text.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Model } from 'autocog-lm';
import t from 'tap';
import { loadVocabulary } from '../support/vocabulary-lm.js';

const names = readdirSync('llama.cpp/models')
  .map((file) => /^ggml-vocab-(.*)\.gguf$/.exec(file)?.[1])
  .filter((name) => name !== undefined);

const contexts = [
  'The capital of France is',
  'Once upon a time',
  'Q: Why?\nA:',
  '中文',
  'x =',
  'a',
  'Hello,',
];
const continuations = [
  ' Paris',
  ' park',
  '\n',
  '\n\n',
  ' 42',
  '.',
  ', and',
  ' the quick brown fox',
  ' é',
];
const more = [
  ' 中国',
  '中国',
  ' (a)',
  '\n    x',
  '!',
  '  two',
  '\tx',
  '</s>',
  ' <s>',
  '',
  ' ',
  '😀',
];

/** Whether tokens begin with others. */
const startsWith = (tokens: Int32Array, prefix: Int32Array): boolean =>
  `${tokens.subarray(0, prefix.length)}` === `${prefix}`;

for (const name of names) {
  t.test(`a text continues another with ${name}`, async (t) => {
    const model = await loadVocabulary(t, name);
    let compared = 0;
    for (const context of contexts) {
      const before = model.tokenizeSync(context);
      for (const text of [...continuations, ...more]) {
        const together = model.tokenizeSync(context + text);
        // Where the boundary merges, there is no continuation that has these tokens.
        if (!startsWith(together, before)) continue;
        compared++;
        const tokens = model.tokenizeSync(text, { continuation: true });
        t.same(tokens, together.subarray(before.length), JSON.stringify([context, text]));
        t.same(await model.tokenize(text, { continuation: true }), tokens);
      }
    }
    t.ok(compared > 100, `${compared} pairs`);
  });

  t.test(`the text of each token of ${name} is what it adds`, async (t) => {
    const model = await loadVocabulary(t, name);
    const step = Math.max(1, Math.floor(model.vocab.size / 2000));
    let spaces = 0;
    for (let token = 0; token < model.vocab.size; token += step) {
      const text = model.detokenizeSync(Int32Array.of(token), { continuation: true });
      const bytes = Buffer.from(model.tokenBytes(token)).toString();
      if (text !== bytes) t.equal(text, bytes, `token ${token}`);
      if (text.startsWith(' ')) spaces++;
    }
    t.ok(spaces > 0, `${spaces} tokens begin with a space`);
    const tokens = model.tokenizeSync(' the end', { continuation: true });
    const parts = Array.from(tokens, (token) =>
      model.detokenizeSync(Int32Array.of(token), { continuation: true }),
    );
    t.equal(parts.join(''), await model.detokenize(tokens, { continuation: true }));
  });
}

t.test('vocabularies of every kind are tried', async (t) => {
  const types = new Set<string>();
  for (const name of names) types.add((await loadVocabulary(t, name)).vocab.type);
  t.same([...types].sort(), ['bpe', 'spm', 'ugm', 'wpm']);
});

t.test('a continuation takes no special tokens in front', async (t) => {
  const model = await loadVocabulary(t, 'llama-spm');
  const both = { addSpecial: true, continuation: true };
  t.throws(() => model.tokenizeSync('a', both), {
    name: 'RangeError',
    message: 'Expected false, with continuation, for addSpecial, got true',
  });
  await t.rejects(model.tokenize('a', { continuation: 1 as never }), { name: 'TypeError' });
  t.throws(() => model.detokenizeSync(Int32Array.of(5), { continuation: 'x' as never }), {
    name: 'TypeError',
  });
});

t.test('a vocabulary without a tokenizer says so', async (t) => {
  const path = join('llama.cpp', 'models', 'ggml-vocab-llama-spm.gguf');
  const model = await Model.load(path, { vocabOnly: true });
  await model.close();
  t.throws(() => model.tokenizeSync('a', { continuation: true }), { name: 'ClosedError' });
});
