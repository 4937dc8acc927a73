// Vectors of llama-server and of `embed`, compared.

import { join } from 'node:path';
import { Embedder, type Pooling, quantize } from 'autocog-lm';
import type { Test } from 'tap';
import { heldOutQuestions } from '../../models/questions.mjs';
import { bertContextSize, type TinyBert, writeTinyBert } from '../../test/embedding/tiny-bert.js';
import { exact } from '../../test/support/forms.js';
import { Server } from './server.js';

export const texts = [
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
export function distance(actual: ArrayLike<number>, expected: readonly number[]): number {
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
export async function compare(path: string, pooling: Pooling): Promise<number> {
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
export async function filesOf(t: Test, options: TinyBert): Promise<[string, string][]> {
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
