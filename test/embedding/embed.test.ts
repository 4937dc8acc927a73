// Embeddings: pooling and normalization, and independence of the other texts in the call.

import { defaultModelPath, Embedder, Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { failure, wrongKind } from '../support/failures.js';
import { exact, loadForm, oneThread } from '../support/forms.js';
import { distance, texts, vectorsOf, withEmbedder } from './embedding.js';
import { tinyBert } from './tiny-bert.js';

/** Splits the row-major vectors of a text's tokens. */
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
 * A model with causal attention and a KV cache, and one with bidirectional attention. The bounds,
 * at least three times what was observed, are for the difference between a text's vector alone and
 * in a batch. ggml looks up an encoder's GELU in a table of 16-bit floats, so a difference in the
 * last digit sometimes selects another entry.
 */
const kinds = [
  ['a causal model', (_: Test) => defaultModelPath, 1e-6],
  ['an encoder', (t: Test) => tinyBert(t), 1e-4],
] as const;

for (const [kind, make, bound] of kinds) {
  t.test(`${kind}: pooled vectors match those of the tokens`, async (t) => {
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
    t.ok(distance(first, last) > 0.1, 'first and last differ');
  });

  t.test(`${kind}: vectors have the requested norm`, async (t) => {
    const path = make(t);
    const raw = await vectorsOf(path, { normalize: false });
    const scaled = (norm: (magnitudes: number[]) => number) =>
      raw.map((vector) => {
        const length = norm(Array.from(vector, Math.abs));
        return Array.from(vector, (value) => value / length);
      });
    const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
    const power = (p: number) => (values: number[]) => sum(values.map((x) => x ** p)) ** (1 / p);
    const norms = [
      [undefined, power(2), 1e-6],
      [true, power(2), 1e-6],
      ['l2', power(2), 1e-6],
      ['taxicab', sum, 1e-6],
      [3, power(3), 1e-6],
      [2.5, power(2.5), 1e-6],
      // With so large a p, only the largest magnitude counts; a naive sum overflows or underflows.
      [1e9, (values: number[]) => Math.max(...values), 1e-5],
      ['max', (values: number[]) => Math.max(...values) / 32760, 5e-2],
    ] as const;
    for (const [normalize, norm, bound] of norms) {
      const actual = await vectorsOf(path, { normalize });
      const off = distance(actual, scaled(norm));
      t.ok(off <= bound, `${normalize}: within ${off}`);
    }
    const perToken = await withEmbedder(path, { pooling: 'none' }, async (embedder) => {
      const { embedding } = await embedder.embed(texts[4] as string);
      return rowsOf(embedding, embedder.size as number);
    });
    for (const row of perToken) t.ok(Math.abs(power(2)([...row]) - 1) < 1e-6, 'also per token');
  });

  t.test(`${kind}: a text gives the same vector alone and in a batch`, async (t) => {
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

  t.test(`${kind}: with one text per batch, vectors do not depend on the others`, async (t) => {
    const path = make(t);
    await withEmbedder(path, { maxSequences: 1 }, async (embedder) => {
      const { embeddings, usage } = await embedder.embed(texts);
      t.equal(usage.decodeCalls, texts.length);
      const { embeddings: reversed } = await embedder.embed([...texts].reverse());
      t.equal(distance(reversed.reverse(), embeddings), 0);
    });
  });

  t.test(`${kind}: texts are split into batches`, async (t) => {
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
    t.test(`${kind}, ${type}: a text gives the same vector alone and in a batch`, async (t) => {
      const model = await loadForm(t, type, make(t));
      const together = await vectorsOf(model, {});
      const each = await Promise.all(texts.map((text) => vectorsOf(model, {}, [text])));
      const alone = each.flat();
      const off = distance(together, alone);
      t.ok(off <= bound, `within ${off}`);
      const oneByOne = await vectorsOf(model, { maxSequences: 1 });
      t.equal(distance(oneByOne, alone), 0);
    });
  }
}

t.test('a causal model gives the same vector for a text split into batches', async (t) => {
  const model = await loadDefault(t);
  const { size } = model.vocab;
  // 17 and 33: the last batch is a single token, which would use other kernels without padding.
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

t.test('an encoder decodes a text in one batch, whatever the batch size', async (t) => {
  const path = tinyBert(t);
  const text = Int32Array.from({ length: 100 }, (_, index) => 1000 + index);
  await withEmbedder(path, { batchSize: 2 }, async (embedder) => {
    const { embedding, usage } = await embedder.embed(text);
    t.equal(usage.decodeCalls, 1);
    const [whole] = await vectorsOf(path, {}, [text]);
    t.equal(distance([embedding], [whole as Float32Array]), 0);
  });
});

t.test('later tokens affect an encoder, but not a causal model', async (t) => {
  const options = { pooling: 'cls', normalize: false } as const;
  const off = async (source: string) => {
    const ids = [Int32Array.of(5, 6, 7), Int32Array.of(5, 6, 8)];
    const [one, other] = await vectorsOf(source, options, ids);
    return distance([one as Float32Array], [other as Float32Array]);
  };
  t.equal(await off(defaultModelPath), 0);
  t.ok((await off(tinyBert(t))) > 1e-3);
});

t.test('the default pooling is the model’s own, or the mean if it has none', async (t) => {
  const own = async (source: string) => withEmbedder(source, {}, async ({ pooling }) => pooling);
  t.equal(await own(defaultModelPath), 'mean');
  for (const pooling of ['none', 'mean', 'cls', 'last'] as const) {
    t.equal(await own(tinyBert(t, { pooling })), pooling);
  }
  t.equal(await own(tinyBert(t, { pooling: 'rank', head: 1 })), 'rank');
  const unknownType = Embedder.load(tinyBert(t, { pooling: 77 }), oneThread);
  t.match(await failure(unknownType), { name: 'NotSupportedError', message: /type 77/ });
});

t.test('a classifier returns its raw outputs, and their labels', async (t) => {
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
    wrongKind("no value with pooling 'rank'", 'normalize', 'false'),
  );
});
