// Embeddings: vectors as the model gives them, pooled and scaled as asked, whatever other texts
// they come with.

import { defaultModelPath, Embedder, type EmbeddingOptions, LLaMa, Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { failure, failures, wrongKind, wrongSize } from './support/failures.js';
import { exact, loadForm, oneThread } from './support/forms.js';
import { bertContextSize, tinyBert } from './support/tiny-bert.js';

const texts = [
  'The sky is blue',
  'a',
  'What is the capital of France?',
  'Grass is green, and snow is white.',
  'one two three four five six seven eight nine ten',
];

/** An embedder for the length of one test. */
async function withEmbedder<T>(
  source: Model | string,
  options: EmbeddingOptions,
  use: (embedder: Embedder) => Promise<T>,
): Promise<T> {
  const settings = { ...oneThread, ...options };
  await using embedder =
    typeof source === 'string'
      ? await Embedder.load(source, settings)
      : new Embedder(source, settings);
  await embedder.ready;
  return await use(embedder);
}

const vectorsOf = (
  source: Model | string,
  options: EmbeddingOptions,
  input: readonly (string | Int32Array)[] = texts,
): Promise<Float32Array[]> =>
  withEmbedder(source, options, async (embedder) => (await embedder.embed(input)).embeddings);

/** The largest difference of any two numbers. */
function distance(found: readonly Float32Array[], wanted: readonly ArrayLike<number>[]): number {
  let worst = found.length === wanted.length ? 0 : Number.POSITIVE_INFINITY;
  for (const [index, vector] of found.entries()) {
    const other = wanted[index] ?? [];
    if (vector.length !== other.length) worst = Number.POSITIVE_INFINITY;
    for (const [at, value] of vector.entries()) {
      worst = Math.max(worst, Math.abs(value - (other[at] as number)));
    }
  }
  return worst;
}

/** The tokens' vectors of one text, out of the row-major list of all. */
function rowsOf(values: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: values.length / size }, (_, row) =>
    values.subarray(row * size, (row + 1) * size),
  );
}

const meanOf = (rows: readonly Float32Array[]): number[] =>
  Array.from(rows[0] as Float32Array, (_, at) =>
    rows.reduce((sum, row) => sum + (row[at] as number) / rows.length, 0),
  );

const loadDefault = async (t: Test): Promise<Model> => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  return model;
};

/**
 * Models of both kinds: one that looks back alone and keeps a cache, one that looks ahead. How far
 * a text's numbers may be from those of the same text among others, at least three times what was
 * observed: ggml takes an encoder's GELU from a table of 16-bit floats, so that the last digit now
 * and then decides between two entries.
 */
const kinds = [
  ['a causal model', (_: Test) => defaultModelPath, 1e-6],
  ['an encoder', (t: Test) => tinyBert(t), 1e-4],
] as const;

for (const [kind, make, bound] of kinds) {
  t.test(`${kind}: mean, first and last are those of the tokens' vectors`, async (t) => {
    const path = make(t);
    const plain = { normalize: false } as const;
    const rows = await withEmbedder(path, { ...plain, pooling: 'none' }, async (embedder) => {
      const { embeddings } = await embedder.embed(texts);
      return embeddings.map((values, index) => {
        const tokens = embedder.model.tokenizeSync(texts[index] as string, { addSpecial: true });
        t.equal(values.length, tokens.length * (embedder.size as number), 'a vector per token');
        return rowsOf(values, embedder.size as number);
      });
    });
    const pooled = (pooling: 'mean' | 'cls' | 'last') => vectorsOf(path, { ...plain, pooling });
    const off = distance(await pooled('mean'), rows.map(meanOf));
    t.ok(off < 1e-6, `means are within ${off}`);
    const first = rows.map((all) => all[0] as Float32Array);
    t.equal(distance(await pooled('cls'), first), 0, 'the first');
    const last = rows.map((all) => all.at(-1) as Float32Array);
    t.equal(distance(await pooled('last'), last), 0, 'the last');
    t.ok(distance(first, last) > 0.1, 'which are not the same');
  });

  t.test(`${kind}: vectors are brought to the length that was asked for`, async (t) => {
    const path = make(t);
    const raw = await vectorsOf(path, { normalize: false });
    const scaled = (norm: (magnitudes: number[]) => number) =>
      raw.map((vector) => {
        const length = norm(Array.from(vector, Math.abs));
        return Array.from(vector, (value) => value / length);
      });
    const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
    const power = (p: number) => (values: number[]) => sum(values.map((x) => x ** p)) ** (1 / p);
    const ways = [
      [undefined, power(2), 1e-6],
      [true, power(2), 1e-6],
      ['l2', power(2), 1e-6],
      ['taxicab', sum, 1e-6],
      [3, power(3), 1e-6],
      [2.5, power(2.5), 1e-6],
      // So high a power leaves the largest alone; computed as it stands it is infinite or zero.
      [1e9, (values: number[]) => Math.max(...values), 1e-5],
      ['max', (values: number[]) => Math.max(...values) / 32760, 5e-2],
    ] as const;
    for (const [normalize, norm, bound] of ways) {
      const found = await vectorsOf(path, { normalize });
      const off = distance(found, scaled(norm));
      t.ok(off <= bound, `${normalize}: within ${off}`);
    }
    const perToken = await withEmbedder(path, { pooling: 'none' }, async (embedder) => {
      const { embedding } = await embedder.embed(texts[4] as string);
      return rowsOf(embedding, embedder.size as number);
    });
    for (const row of perToken) t.ok(Math.abs(power(2)([...row]) - 1) < 1e-6, 'also per token');
  });

  t.test(`${kind}: a text alone gives what it gives among others`, async (t) => {
    const path = make(t);
    await withEmbedder(path, {}, async (embedder) => {
      const { embeddings, usage } = await embedder.embed(texts);
      t.equal(usage.decodeCalls, 1, 'in one batch');
      const alone: Float32Array[] = [];
      for (const text of texts) {
        const { embedding, usage } = await embedder.embed(text);
        alone.push(embedding);
        const { length } = embedder.model.tokenizeSync(text, { addSpecial: true });
        t.equal(usage.decodedTokens, length);
        t.equal(usage.promptTokens, length);
      }
      const tokens = texts.map((text) => embedder.model.tokenizeSync(text, { addSpecial: true }));
      const mixed = [tokens[0] as Int32Array, texts[1] as string, ...tokens.slice(2)];
      const { embeddings: same } = await embedder.embed(mixed);
      t.equal(distance(same, embeddings), 0, 'token ids are the same');
      const off = distance(embeddings, alone);
      t.ok(off <= bound, `within ${off}`);
      t.ok(distance([alone[0] as Float32Array], [alone[2] as Float32Array]) > 0.01);
    });
  });

  t.test(`${kind}: with one text at a time, nothing depends on the others`, async (t) => {
    const path = make(t);
    await withEmbedder(path, { maxSequences: 1 }, async (embedder) => {
      const { embeddings, usage } = await embedder.embed(texts);
      t.equal(usage.decodeCalls, texts.length);
      const { embeddings: turned } = await embedder.embed([...texts].reverse());
      t.equal(distance(turned.reverse(), embeddings), 0);
    });
  });

  t.test(`${kind}: texts go in as many batches as they need`, async (t) => {
    const path = make(t);
    const many = Array.from({ length: 40 }, (_, index) => `${texts[index % 5]} ${index}`);
    const whole = await vectorsOf(path, {}, many);
    await withEmbedder(path, { batchSize: 32 }, async (embedder) => {
      const { embeddings, usage } = await embedder.embed(many);
      t.ok(usage.decodeCalls > 5, `${usage.decodeCalls} batches`);
      const off = distance(embeddings, whole);
      t.ok(off <= bound, `within ${off}`);
    });
    await withEmbedder(path, { maxSequences: 3 }, async (embedder) => {
      t.equal((await embedder.embed(many.slice(0, 10))).usage.decodeCalls, 4);
    });
  });
}

for (const type of ['F16', 'Q8_0']) {
  const sources = [
    ['a causal model', () => undefined, 1e-6],
    ['an encoder', (t: Test) => tinyBert(t), type === 'Q8_0' ? 5e-2 : 1e-2],
  ] as const;
  for (const [kind, make, bound] of sources) {
    t.test(`${kind}, ${type}: a text alone gives what it gives among others`, async (t) => {
      const model = await loadForm(t, type, make(t));
      const together = await vectorsOf(model, {});
      const each = await Promise.all(texts.map((text) => vectorsOf(model, {}, [text])));
      const alone = each.flat();
      const off = distance(together, alone);
      t.ok(off <= bound, `within ${off}`);
      const inTurn = await vectorsOf(model, { maxSequences: 1 });
      t.equal(distance(inTurn, alone), 0);
    });
  }
}

t.test('a causal text that is longer than a batch is the same piece by piece', async (t) => {
  const model = await loadDefault(t);
  const { size } = model.vocab;
  // 1 over: the last piece is a single token, which takes kernels of its own without padding.
  for (const length of [16, 17, 33, 100]) {
    const text = Int32Array.from({ length }, (_, index) => (index * 37 + 11) % size);
    for (const pooling of ['none', 'mean', 'cls', 'last'] as const) {
      const settings = { ...exact, pooling };
      const whole = await vectorsOf(model, { ...settings, batchSize: 128 }, [text]);
      const pieces = await withEmbedder(model, { ...settings, batchSize: 16 }, (embedder) =>
        embedder.embed(text),
      );
      t.equal(pieces.usage.decodeCalls, Math.ceil(length / 16));
      t.equal(pieces.usage.paddingTokens, length % 16 === 1 ? 1 : 0);
      const off = distance([pieces.embedding], whole);
      t.ok(off <= 1e-6, `${pooling} of ${length}: within ${off}`);
    }
  }
});

t.test('an encoder reads a text at once, however small a batch is to be', async (t) => {
  const path = tinyBert(t);
  const text = Int32Array.from({ length: 100 }, (_, index) => 1000 + index);
  await withEmbedder(path, { batchSize: 2 }, async (embedder) => {
    const { embedding, usage } = await embedder.embed(text);
    t.equal(usage.decodeCalls, 1);
    const [whole] = await vectorsOf(path, {}, [text]);
    t.equal(distance([embedding], [whole as Float32Array]), 0);
  });
});

t.test('what comes later moves an encoder, and not a causal model', async (t) => {
  const options = { pooling: 'cls', normalize: false } as const;
  const off = async (source: string) => {
    const ids = [Int32Array.of(5, 6, 7), Int32Array.of(5, 6, 8)];
    const [one, other] = await vectorsOf(source, options, ids);
    return distance([one as Float32Array], [other as Float32Array]);
  };
  t.equal(await off(defaultModelPath), 0);
  t.ok((await off(tinyBert(t))) > 1e-3);
});

t.test('pooling is the model’s own, or the mean where it has none', async (t) => {
  const own = async (source: string) => withEmbedder(source, {}, async ({ pooling }) => pooling);
  t.equal(await own(defaultModelPath), 'mean');
  for (const pooling of ['none', 'mean', 'cls', 'last'] as const) {
    t.equal(await own(tinyBert(t, { pooling })), pooling);
  }
  t.equal(await own(tinyBert(t, { pooling: 'rank', head: 1 })), 'rank');
  const odd = Embedder.load(tinyBert(t, { pooling: 77 }), oneThread);
  t.match(await failure(odd), { name: 'NotSupportedError', message: /type 77/ });
});

t.test('a classifier gives its outputs as they are, and their names', async (t) => {
  const labels = ['entailment', 'neutral', 'contradiction'];
  const path = tinyBert(t, { pooling: 'rank', head: labels });
  await withEmbedder(path, {}, async (embedder) => {
    t.equal(embedder.size, 3);
    t.same(embedder.labels, labels);
    const { embeddings } = await embedder.embed(texts);
    t.same(
      embeddings.map(({ length }) => length),
      texts.map(() => 3),
    );
    const alone = await embedder.embed(texts[2] as string);
    t.ok(distance([alone.embedding], [embeddings[2] as Float32Array]) < 1e-6);
    t.ok(distance([embeddings[0] as Float32Array], [embeddings[2] as Float32Array]) > 1e-3);
  });
  const normalized = Embedder.load(path, { ...oneThread, normalize: 'l2' });
  t.match(await failure(normalized), { name: 'NotSupportedError', message: /normalized/ });
  t.match(
    await failure(Embedder.load(path, { pooling: 'rank', normalize: false })),
    wrongKind("nothing, with pooling 'rank',", 'normalize', 'false'),
  );
});

t.test('one text gives one vector, several give a list, none give none', async (t) => {
  await withEmbedder(defaultModelPath, {}, async (embedder) => {
    const one = await embedder.embed('a');
    t.same(Object.keys(one).sort(), ['embedding', 'timings', 'usage']);
    t.equal(one.embedding.length, embedder.size);
    t.ok(one.timings.totalMs > 0 && one.timings.decodeMs > 0);
    const several = await embedder.embed(['a', 'a']);
    t.same(Object.keys(several).sort(), ['embeddings', 'timings', 'usage']);
    const [first, second] = several.embeddings as [Float32Array, Float32Array];
    t.ok(distance([first], [second]) <= 1e-6);
    t.not(first.buffer, second.buffer, 'each with memory of its own');
    t.equal(first.byteLength, first.buffer.byteLength);
    const none = await embedder.embed([]);
    t.same(none.embeddings, []);
    t.equal(none.usage.decodedTokens, 0);
  });
});

t.test('odd texts have vectors, too', async (t) => {
  const odd = [
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
      for (const text of odd) {
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

t.test('a text of one token is padded, so that it takes the kernels of longer ones', async (t) => {
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

t.test('wrong arguments are told', async (t) => {
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
  t.equal((await embedder.embed('a')).embedding.length, 128, 'and it works on');
});

t.test('a text that does not fit is a ContextOverflowError', async (t) => {
  for (const source of [defaultModelPath, tinyBert(t)]) {
    await withEmbedder(source, { contextSize: 16 }, async (embedder) => {
      const at = new Int32Array(16).fill(7);
      t.equal((await embedder.embed(at)).usage.decodedTokens, 16);
      const over = new Int32Array(17).fill(7);
      const overflow = { name: 'ContextOverflowError', message: /17 tokens of text do not fit/ };
      t.match(await failure(embedder.embed(over)), overflow);
      t.match(await failure(embedder.embed([at, over])), { message: /texts\[1\]/ });
    });
  }
  const long = Embedder.load(tinyBert(t), { contextSize: bertContextSize + 1 });
  t.match(await failure(long), { name: 'RangeError', message: /positions that this model knows/ });
  const huge = Embedder.load(defaultModelPath, { contextSize: 2 ** 31 - 1 });
  t.match(await failure(huge), { code: 'OUT_OF_MEMORY' });
});

t.test('models that cannot embed say so', async (t) => {
  const vocabOnly = Embedder.load(defaultModelPath, { vocabOnly: true });
  t.match(await failure(vocabOnly), { name: 'NotSupportedError', message: /vocabOnly/ });
  const headless = Embedder.load(defaultModelPath, { pooling: 'rank' });
  t.match(await failure(headless), { name: 'NotSupportedError', message: /no head/ });
  const named = Embedder.load(tinyBert(t, { pooling: 'rank' }), oneThread);
  t.match(await failure(named), { name: 'NotSupportedError', message: /no head/ });
  const scoring = LLaMa.load(tinyBert(t), oneThread);
  t.match(await failure(scoring), { name: 'NotSupportedError' }, 'nor does one that embeds score');
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
  t.equal((await last.embed('a')).embedding.length, 128, 'it works on when its model is closed');
  await last.close();
  const late = new Embedder(freed, oneThread);
  t.match(await failure(late.ready), { name: 'ClosedError' }, 'but none begins then');
});

t.test('load ends at an abort', async (t) => {
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
  t.ok((await lm.greedy('a')).length > 0, 'and scores besides');
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
