// llama-server embeds and reranks: `embed` and `rerank` must return the same vectors and scores.

import { join } from 'node:path';
import { defaultModelPath, Embedder, quantize } from 'autocog-lm';
import t from 'tap';
import { bertContextSize } from '../test/embedding/tiny-bert.js';
import { exact } from '../test/support/forms.js';
import { compare, distance, filesOf, texts } from './support/embeddings.js';
import { Server } from './support/server.js';
import { report } from './support/tools.js';

// The server has llama.cpp's kernels. With this package's, sums have another order, and 8-bit activations close to a
// boundary are rounded to another step: embeddings-kernels.test.ts.
process.env.AUTOCOG_KERNELS = '0';

/** For vectors of length about 1; ggml's GELU table of 16-bit floats causes differences. */
const encoderBound = { F32: 2e-5, Q8_0: 2e-5 } as const;

t.test('vectors of a causal model', async (t) => {
  const quantized = join(t.testdir(), 'Q8_0.gguf');
  await quantize(defaultModelPath, quantized, 'Q8_0');
  const lines: string[] = [];
  for (const [type, path, bound] of [
    ['own', defaultModelPath, 5e-6],
    ['Q8_0', quantized, 5e-6],
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
