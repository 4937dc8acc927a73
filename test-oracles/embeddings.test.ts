// llama-server embeds and reranks: `embed` and `rerank` must return the same vectors and scores.

import { join } from 'node:path';
import { defaultModelPath, Embedder, type Pooling, quantize } from 'autocog-lm';
import t, { type Test } from 'tap';
import { heldOutQuestions } from '../models/questions.mjs';
import { bertContextSize, type TinyBert, writeTinyBert } from '../test/embedding/tiny-bert.js';
import { exact } from '../test/support/forms.js';
import { Server } from './support/server.js';
import { report } from './support/tools.js';

const texts = [
  ...heldOutQuestions(4, 20).map(({ prompt }) => prompt.slice(-200)),
  'a',
  'Hello, world!',
  'Ünïcödé — “quotes” … ½ ² ℃',
  '你好，世界。今日は良い天気ですね。',
  '😀👩‍👩‍👧‍👦',
  'one two three',
];

/** A server's embedding: one vector, or with pooling `none` one per token. */
interface Embedded {
  embedding: number[] | number[][];
}

/** The largest difference of two vectors; infinite if they differ in length. */
function distance(actual: ArrayLike<number>, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  return expected.reduce(
    (worst, value, index) => Math.max(worst, Math.abs(value - (actual[index] as number))),
    0,
  );
}

/** The option `normalize`, and the server's `embd_normalize` for the same. */
const normalizations = [
  [undefined, undefined],
  [false, -1],
  ['taxicab', 1],
  [3, 3],
] as const;

/** The largest difference from the server's vectors, over all texts and normalizations. */
async function compare(path: string, pooling: Pooling): Promise<number> {
  const size = ['--pooling', pooling, '--ubatch-size', `${bertContextSize}`];
  await using server = await Server.start(path, bertContextSize, ['--embedding', ...size]);
  let worst = 0;
  for (const [normalize, serverNormalize] of pooling === 'none'
    ? [[false, -1] as const]
    : normalizations) {
    await using embedder = await Embedder.load(path, {
      ...exact,
      contextSize: bertContextSize,
      pooling,
      normalize,
      maxSequences: 1,
    });
    for (const text of texts) {
      const tokens = embedder.model.tokenizeSync(text, { addSpecial: true, parseSpecial: true });
      const input = tokens.subarray(0, bertContextSize);
      const body = { input: [...input], embd_normalize: serverNormalize };
      const [theirs] = (await server.post('/embedding', body)) as [Embedded];
      const { embedding } = await embedder.embed(input);
      worst = Math.max(worst, distance(embedding, theirs.embedding.flat()));
    }
  }
  return worst;
}

/** Writes a model with each type of weights; returns types and paths. */
async function filesOf(t: Test, options: TinyBert): Promise<[string, string][]> {
  const folder = t.testdir();
  const source = join(folder, 'F32.gguf');
  writeTinyBert(source, options);
  const quantized = join(folder, 'Q8_0.gguf');
  await quantize(source, quantized, 'Q8_0');
  return [
    ['F32', source],
    ['Q8_0', quantized],
  ];
}

/**
 * For vectors of length about 1. With Q8_0 the server adds in another order than this package's kernels, so that
 * activations close to a boundary are rounded to another of the 8-bit steps.
 */
const quantizedBound = 0.1;
/** ggml's GELU table of 16-bit floats causes differences. */
const encoderBound = { F32: 2e-5, Q8_0: quantizedBound } as const;

t.test('vectors of a causal model', async (t) => {
  const quantized = join(t.testdir(), 'Q8_0.gguf');
  await quantize(defaultModelPath, quantized, 'Q8_0');
  const lines: string[] = [];
  for (const [type, path, bound] of [
    ['own', defaultModelPath, 5e-6],
    ['Q8_0', quantized, quantizedBound],
  ] as const) {
    for (const pooling of ['none', 'mean', 'cls', 'last'] as const) {
      const worst = await compare(path, pooling);
      t.ok(worst <= bound, `${type}, ${pooling}: within ${worst}`);
      lines.push(`  causal, ${type}, ${pooling}: ${worst.toExponential(1)}`);
    }
  }
  await report('embeddings-causal', ['llama-server /embedding, largest differences:', ...lines]);
});

t.test('vectors of an encoder', async (t) => {
  const lines: string[] = [];
  for (const [type, path] of await filesOf(t, { pooling: 'cls' })) {
    const bound = encoderBound[type as 'F32'];
    for (const pooling of ['none', 'mean', 'cls', 'last'] as const) {
      const worst = await compare(path, pooling);
      t.ok(worst <= bound, `${type}, ${pooling}: within ${worst}`);
      lines.push(`  encoder, ${type}, ${pooling}: ${worst.toExponential(1)}`);
    }
  }
  await report('embeddings-encoder', ['llama-server /embedding, largest differences:', ...lines]);
});

t.test('vectors of texts through the OpenAI-compatible API', async (t) => {
  const [[, path = '']] = (await filesOf(t, { pooling: 'mean' })) as [[string, string]];
  const size = ['--ubatch-size', `${bertContextSize}`];
  await using server = await Server.start(path, bertContextSize, ['--embedding', ...size]);
  await using embedder = await Embedder.load(path, exact);
  const input = texts.filter(
    (text) => embedder.model.tokenizeSync(text, { addSpecial: true }).length <= bertContextSize,
  );
  t.ok(input.length > 15);
  const { data } = (await server.post('/v1/embeddings', { input })) as {
    data: { index: number; embedding: number[] }[];
  };
  const { embeddings } = await embedder.embed(input);
  for (const { index, embedding } of data) {
    const difference = distance(embeddings[index] ?? [], embedding);
    t.ok(difference <= encoderBound.F32, `text ${index}: within ${difference}`);
  }
});

const documents = [
  'A dog barks at strangers.',
  'Cats meow.',
  'The sky is blue.',
  'Barking is what dogs do, and seals, too.',
  '',
];

t.test('rankings, with and without a template', async (t) => {
  const lines: string[] = [];
  for (const template of [undefined, '[CLS]judge {query}[SEP]of {document} now[SEP]']) {
    const head = { pooling: 'rank', head: 1, ...(template && { template }) } as const;
    for (const [type, path] of await filesOf(t, head)) {
      const bound = encoderBound[type as 'F32'];
      await using server = await Server.start(path, bertContextSize, ['--rerank']);
      await using embedder = await Embedder.load(path, { ...exact, maxSequences: 1 });
      let worst = 0;
      for (const query of ['Which animal barks?', 'sky', 'Wie heißt du?']) {
        const { results } = (await server.post('/rerank', { query, documents })) as {
          results: { index: number; relevance_score: number }[];
        };
        const ours = await embedder.rerank(query, documents);
        const ranking = (list: readonly { index: number }[]) => list.map(({ index }) => index);
        t.same(ranking(ours.results), ranking(results), `${type}: the same order`);
        for (const { index, relevance_score } of results) {
          const own = ours.results.find((each) => each.index === index)?.score ?? Number.NaN;
          worst = Math.max(worst, Math.abs(own - relevance_score));
        }
      }
      t.ok(worst <= bound, `${type}: within ${worst}`);
      const how = template === undefined ? 'by tokens' : 'by template';
      lines.push(`  ${type}, ${how}: ${worst.toExponential(1)}`);
    }
  }
  await report('rerank', ['llama-server /rerank, largest differences of scores:', ...lines]);
});
