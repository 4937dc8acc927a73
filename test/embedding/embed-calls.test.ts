// Calls of `embed`: arguments and results, rejections, concurrency, abort and close.

import { defaultModelPath, Embedder, LLaMa, Model } from 'autocog-lm';
import t from 'tap';
import { failure, failures, wrongKind, wrongSize } from '../support/failures.js';
import { loadForm, oneThread } from '../support/forms.js';
import { distance, texts, vectorsOf, withEmbedder } from './embedding.js';
import { bertContextSize, tinyBert } from './tiny-bert.js';

t.test('one text gives one vector, a list gives a list, an empty one included', async (t) => {
  await withEmbedder(defaultModelPath, {}, async (embedder) => {
    const one = await embedder.embed('a');
    t.same(Object.keys(one).sort(), ['embedding', 'timings', 'usage']);
    t.equal(one.embedding.length, embedder.size);
    t.ok(one.timings.totalMs > 0 && one.timings.decodeMs > 0);
    const several = await embedder.embed(['a', 'a']);
    t.same(Object.keys(several).sort(), ['embeddings', 'timings', 'usage']);
    const [first, second] = several.embeddings as [Float32Array, Float32Array];
    t.ok(distance([first], [second]) <= 1e-6);
    t.not(first.buffer, second.buffer, 'each with its own memory');
    t.equal(first.byteLength, first.buffer.byteLength);
    const none = await embedder.embed([]);
    t.same(none.embeddings, []);
    t.equal(none.usage.decodedTokens, 0);
  });
});

t.test('unusual texts have normalized vectors, too', async (t) => {
  const unusualTexts = [
    '',
    ' ',
    '\0',
    '\ud800',
    '😀👩‍👩‍👧‍👦',
    '漢字',
    '\u{10ffff}',
    '<|bos|>',
    'a'.repeat(200),
  ];
  for (const source of [defaultModelPath, tinyBert(t)]) {
    await withEmbedder(source, { contextSize: bertContextSize }, async (embedder) => {
      for (const text of unusualTexts) {
        const { length } = embedder.model.tokenizeSync(text, { addSpecial: true });
        if (length === 0 || length > bertContextSize) {
          const code = length === 0 ? 'OUT_OF_RANGE' : 'CONTEXT_OVERFLOW';
          t.match(await failure(embedder.embed(text)), { code });
          continue;
        }
        const { embedding } = await embedder.embed(text);
        const sum = embedding.reduce((total, value) => total + value * value, 0);
        t.ok(Math.abs(sum - 1) < 1e-5, JSON.stringify(text.slice(0, 20)));
      }
    });
  }
});

t.test('a text of one token is padded, so that it uses the kernels of longer ones', async (t) => {
  const model = await loadForm(t, 'Q8_0');
  const one = Int32Array.of(40);
  await withEmbedder(model, {}, async (embedder) => {
    const alone = await embedder.embed(one);
    t.equal(alone.usage.paddingTokens, 1);
    t.equal(alone.usage.decodedTokens, 1);
    const { embeddings } = await embedder.embed([one, Int32Array.of(41, 42)]);
    t.ok(distance([alone.embedding], [embeddings[0] as Float32Array]) <= 1e-6);
  });
});

t.test('invalid arguments are rejected', async (t) => {
  await using model = await Model.load(defaultModelPath);
  const make = (options: object) => () => new Embedder(model, options);
  for (const options of [{ pooling: 'sum' }, { normalize: 'l3' }, { normalise: true }, []]) {
    t.throws(make(options), { name: 'TypeError', code: 'INVALID_ARGUMENT' });
  }
  for (const options of [
    { normalize: 0.5 },
    { normalize: Number.NaN },
    { normalize: Number.POSITIVE_INFINITY },
    { normalize: -1 },
    { contextSize: 0 },
    { contextSize: 1.5 },
    { batchSize: 1 },
    { maxSequences: 0 },
    { maxSequences: 257 },
    { threads: 0 },
    { kvCacheTypeV: 'q8_0' },
  ]) {
    t.throws(make(options), { name: 'RangeError', code: 'OUT_OF_RANGE' }, JSON.stringify(options));
  }
  t.throws(() => new Embedder('model' as never), wrongKind('a Model', 'model', '"model"'));
  await using embedder = new Embedder(model, oneThread);
  const embed = (input: unknown, options?: object) => embedder.embed(input as string, options);
  for (const input of [undefined, null, 7, {}, [7], [['a']], new Float32Array(2)]) {
    t.match(await failure(embed(input)), { name: 'TypeError', code: 'INVALID_ARGUMENT' });
  }
  for (const input of [Int32Array.of(-1), Int32Array.of(model.vocab.size), [Int32Array.of(-1)]]) {
    t.match(await failure(embed(input)), { name: 'RangeError', code: 'OUT_OF_RANGE' });
  }
  t.match(
    await failure(embed(new Int32Array(0))),
    wrongSize('at least one token', 'text', 'Int32Array of 0'),
  );
  t.match(
    await failure(embed(['a', new Int32Array(0)])),
    wrongSize('at least one token', 'texts[1]', 'Int32Array of 0'),
  );
  t.match(await failure(embed('a', { topN: 1 })), { name: 'TypeError' });
  t.match(await failure(embed('a', { signal: 'no' })), { name: 'TypeError' });
  t.equal((await embedder.embed('a')).embedding.length, 128, 'and it still works');
});

t.test('a text that does not fit is a ContextOverflowError', async (t) => {
  for (const source of [defaultModelPath, tinyBert(t)]) {
    await withEmbedder(source, { contextSize: 16 }, async (embedder) => {
      const fitting = new Int32Array(16).fill(7);
      t.equal((await embedder.embed(fitting)).usage.decodedTokens, 16);
      const over = new Int32Array(17).fill(7);
      const overflow = { name: 'ContextOverflowError', message: /17 tokens of text do not fit/ };
      t.match(await failure(embedder.embed(over)), overflow);
      t.match(await failure(embedder.embed([fitting, over])), { message: /texts\[1\]/ });
    });
  }
  const long = Embedder.load(tinyBert(t), { contextSize: bertContextSize + 1 });
  t.match(await failure(long), { name: 'RangeError', message: /positions that this model knows/ });
  const huge = Embedder.load(defaultModelPath, { contextSize: 2 ** 31 - 1 });
  t.match(await failure(huge), { code: 'OUT_OF_MEMORY' });
});

t.test('models that cannot embed are rejected', async (t) => {
  const vocabOnly = Embedder.load(defaultModelPath, { vocabOnly: true });
  t.match(await failure(vocabOnly), { name: 'NotSupportedError', message: /vocabOnly/ });
  const headless = Embedder.load(defaultModelPath, { pooling: 'rank' });
  t.match(await failure(headless), { name: 'NotSupportedError', message: /no head/ });
  const named = Embedder.load(tinyBert(t, { pooling: 'rank' }), oneThread);
  t.match(await failure(named), { name: 'NotSupportedError', message: /no head/ });
  const scoring = LLaMa.load(tinyBert(t), oneThread);
  t.match(await failure(scoring), { name: 'NotSupportedError' }, 'nor can an encoder score');
});

t.test('calls overlap, abort and close', async (t) => {
  await using model = await Model.load(defaultModelPath);
  const embedder = new Embedder(model, oneThread);
  const calls = texts.map((text) => embedder.embed(text));
  const controller = new AbortController();
  const long = new Int32Array(100).fill(9);
  const aborted = embedder.embed(Array<Int32Array>(1000).fill(long), {
    signal: controller.signal,
  });
  const after = embedder.embed('after');
  const reason = new Error('enough');
  setTimeout(() => controller.abort(reason), 20);
  t.equal(await failure(aborted), reason);
  await Promise.all(calls);
  t.equal((await after).embedding.length, 128, 'the next call works');
  const early = embedder.embed('never', { signal: AbortSignal.abort(reason) });
  t.equal(await failure(early), reason);
  const waiting = [1, 2, 3].map(() => embedder.embed(Array<Int32Array>(1000).fill(long)));
  const ending = failures(waiting);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await embedder.close();
  for (const error of await ending) t.match(error, { code: 'CLOSED' });
  t.ok(embedder.closed);
  t.match(await failure(embedder.embed('a')), { name: 'ClosedError' });
  t.match(await failure(embedder.rerank('a', ['b'])), { name: 'ClosedError' });
  await embedder.close();
  t.notOk(model.closed);
  const unready = new Embedder(model, oneThread);
  await unready.close();
  const freed = await Model.load(defaultModelPath);
  const last = new Embedder(freed, oneThread);
  await last.ready;
  await freed.close();
  t.equal((await last.embed('a')).embedding.length, 128, 'it works after its model is closed');
  await last.close();
  const late = new Embedder(freed, oneThread);
  t.match(await failure(late.ready), { name: 'ClosedError' }, 'but no new one can be built');
});

t.test('an abort ends a load', async (t) => {
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  t.equal(await failure(Embedder.load(defaultModelPath, { signal })), reason);
  t.match(await failure(Embedder.load('/nowhere.gguf')), { name: 'ModelLoadError' });
});

t.test('an LM embeds with its own model', async (t) => {
  await using model = await Model.load(defaultModelPath);
  const lm = new LLaMa(model, { ...oneThread, embeddings: { pooling: 'last' } });
  const { embeddings } = await lm.embed(texts);
  t.equal(distance(embeddings, await vectorsOf(model, { pooling: 'last' })), 0);
  const variant = lm.with({ completion: { maxTokens: 2 } });
  const { embedding } = await variant.embed(texts[0] as string);
  t.ok(distance([embedding], [embeddings[0] as Float32Array]) <= 1e-6);
  t.ok((await lm.greedy('a')).length > 0, 'and it still scores');
  t.match(await failure(lm.embed(7 as never)), { name: 'TypeError' });
  const late = failure(lm.embed(Array<Int32Array>(100).fill(new Int32Array(100).fill(9))));
  await lm.close();
  t.match(await late, { code: 'CLOSED' });
  t.match(await failure(lm.embed('a')), { name: 'ClosedError' });
  t.throws(() => new LLaMa(model, { embeddings: { pooling: 'sum' as never } }), {
    name: 'TypeError',
  });
  await using plain = await LLaMa.load(defaultModelPath, oneThread);
  t.equal((await plain.embed('a')).embedding.length, 128);
  const wrong = LLaMa.load(defaultModelPath, { embeddings: { contextSize: 0 } });
  t.match(await failure(wrong), { name: 'RangeError' });
});
