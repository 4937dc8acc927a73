// Texts that llama.cpp's pre-tokenizers recurse on, once per character: none ends the process.

import { Model } from 'autocog-lm';
import t from 'tap';
import { runChild } from '../support/child.js';
import { loadVocabulary } from '../support/vocabulary-lm.js';

const types = [
  'tekken',
  'gpt-4o',
  'llama4',
  'deepseek-v3',
  'deepseek-llm',
  'deepseek-coder',
  'minimax-m2',
  'seed-coder',
  'bailingmoe2',
  'viking',
  'youtu',
  'minicpm5',
  'cohere2moe',
  'falcon',
  'exaone-moe',
  'superbpe',
];

for (const thread of ['main', 'worker']) {
  t.test(`repetitions are tokenized on a ${thread} thread`, async (t) => {
    const { code, signal, told, stderr } = await runChild('long-texts', thread, ...types);
    t.same({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    const done = told as [string, number][];
    t.same(
      done.map(([type]) => type),
      types,
    );
    for (const [type, tokens] of done) t.ok(tokens > 0, `${type}: ${tokens} tokens`);
  });
}

t.test(
  'a stretch beyond the limit is refused by tokenizers that recurse, and by no other',
  async (t) => {
    const long = 'a'.repeat(2 ** 20 + 1);
    const recursive = await Model.load('llama.cpp/models/ggml-vocab-qwen2.gguf', {
      vocabOnly: true,
      metadataOverrides: { 'tokenizer.ggml.pre': 'tekken' },
    });
    t.teardown(() => recursive.close());
    t.throws(() => recursive.tokenizeSync(long), {
      name: 'RangeError',
      code: 'OUT_OF_RANGE',
      message:
        /^Expected at most 1048576 characters in a row that this model's tokenizer cannot split, got 1048578/,
    });
    const words = 'words, and more words. '.repeat(60_000);
    t.ok(
      recursive.tokenizeSync(words).length > 60_000,
      'longer texts that it splits are tokenized',
    );
    const other = await loadVocabulary(t, 'qwen2');
    t.ok(other.tokenizeSync(long).length > 100_000);
  },
);

t.test('long texts have the tokens of short ones', async (t) => {
  for (const name of ['qwen2', 'deepseek-llm', 'falcon', 'llama-spm', 'nomic-bert-moe']) {
    const model = await loadVocabulary(t, name);
    const sentence = 'The quick brown fox jumps over 13 lazy dogs, doesn’t it?\n';
    const [once, twice] = [model.tokenizeSync(sentence), model.tokenizeSync(sentence.repeat(2))];
    const many = model.tokenizeSync(sentence.repeat(100));
    // The first may have the space of a beginning.
    const period = twice.length - once.length;
    t.equal(many.length, once.length + 99 * period, name);
    t.same(many.slice(0, twice.length), twice);
    t.same(many.slice(-period), twice.slice(-period));
  }
});

t.test('a run of digits that takes a quadratic time is refused beyond a limit', async (t) => {
  const model = await Model.load('llama.cpp/models/ggml-vocab-qwen2.gguf', {
    vocabOnly: true,
    metadataOverrides: { 'tokenizer.ggml.pre': 'superbpe' },
  });
  t.teardown(() => model.close());
  t.throws(() => model.tokenizeSync(`in ${'7'.repeat(4097)} of`), {
    code: 'OUT_OF_RANGE',
    message: "Expected at most 4096 digits in a row for this model's tokenizer, got 4097",
  });
  const digits = '7'.repeat(4096);
  t.ok(model.tokenizeSync(`${digits} ${digits}`).length > 2000);
});

t.test('long runs that no token joins are tokenized piece by piece', async (t) => {
  // llama.cpp's SentencePiece tokenizer takes a time that grows with the square of such a text.
  const model = await loadVocabulary(t, 'llama-spm');
  const count = 1_000_000;
  for (const unit of ['\n', '😀']) {
    const [before = []] = [model.tokenizeSync(unit)];
    const perUnit = model.tokenizeSync(unit + unit).length - before.length;
    const tokens = await model.tokenize(unit.repeat(count), { addSpecial: true });
    t.equal(tokens.length, 1 + before.length + (count - 1) * perUnit);
    t.equal(tokens[0], model.vocab.bos);
  }
});

t.test('a long text neither holds up a short one nor outlives its abort', async (t) => {
  const model = await loadVocabulary(t, 'llama-spm');
  const long = 'the quick brown fox '.repeat(500_000);
  const done: string[] = [];
  const controller = new AbortController();
  const reason = new Error('no more');
  const aborted = model.tokenize(long, { signal: controller.signal }).then(
    () => done.push('long'),
    (error: unknown) => {
      done.push('aborted');
      t.equal(error, reason);
    },
  );
  await model.tokenize('a short text').then(() => done.push('short'));
  t.same(done, ['short']);
  controller.abort(reason);
  await aborted;
  t.same(done, ['short', 'aborted']);
  // It would wait for the whole of the other one if that went on.
  t.equal((await model.tokenize('x '.repeat(50_000))).length, 50_001);
});
