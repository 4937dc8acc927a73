// Helpers for tests of embedders: texts, embedders, and distances of vectors.

import { Embedder, type EmbeddingOptions, type Model } from 'autocog-lm';
import { oneThread } from '../support/forms.js';

export const texts = [
  'The sky is blue',
  'a',
  'What is the capital of France?',
  'Grass is green, and snow is white.',
  'one two three four five six seven eight nine ten',
];

/** Runs `use` with an embedder, and closes it. */
export async function withEmbedder<T>(
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

/** The vectors of texts. */
export const vectorsOf = (
  source: Model | string,
  options: EmbeddingOptions,
  input: readonly (string | Int32Array)[] = texts,
): Promise<Float32Array[]> =>
  withEmbedder(source, options, async (embedder) => (await embedder.embed(input)).embeddings);

/** The maximum absolute difference; Infinity if the shapes differ. */
export function distance(
  actual: readonly Float32Array[],
  expected: readonly ArrayLike<number>[],
): number {
  let worst = actual.length === expected.length ? 0 : Number.POSITIVE_INFINITY;
  for (const [index, vector] of actual.entries()) {
    const other = expected[index] ?? [];
    if (vector.length !== other.length) worst = Number.POSITIVE_INFINITY;
    for (const [at, value] of vector.entries()) {
      worst = Math.max(worst, Math.abs(value - (other[at] as number)));
    }
  }
  return worst;
}
