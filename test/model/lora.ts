// LoRA adapters for the default model, and reference models with the adapters merged into their
// weights. lora.test.ts and lora-files.test.ts use them.

import { join } from 'node:path';
import { LLaMa } from 'autocog-lm';
import type { Test } from 'tap';
import { exact } from '../support/forms.js';
import {
  f32,
  floatsOf,
  formsOf,
  type Gguf,
  keyFloat32,
  keyString,
  noise,
  readGguf,
  type Tensor,
  tensorOf,
  writeGguf,
} from '../support/gguf.js';

export const prompt = 'The capital of France is';
export const rank = 4;
export const alpha = 6;
/** The kinds of weights that an adapter targets. */
export const targets = ['attn_q', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_down'];

/** The low-rank factors A and B of an adapter, by weight name. */
export type Pairs = Map<
  string,
  { a: Float32Array; b: Float32Array; columns: number; rows: number }
>;

/** Random factors for the {@link targets} of a model, large enough to change its outputs. */
export function makePairs({ tensors }: Gguf, seed: number, size = 0.3): Pairs {
  const adapted = tensors.filter(({ name }) => targets.some((each) => name.includes(`.${each}.w`)));
  return new Map(
    adapted.map(({ name, shape }, index) => {
      const [columns, rows] = shape as [number, number];
      const a = noise(columns * rank, size, seed + 2 * index);
      const b = noise(rows * rank, size, seed + 2 * index + 1);
      return [name, { a, b, columns, rows }];
    }),
  );
}

/** The metadata of an adapter's file. */
export const adapterKeys = (architecture = 'llama'): Buffer[] => [
  keyString('general.type', 'adapter'),
  keyString('general.architecture', architecture),
  keyString('general.name', 'noise, größer'),
  keyString('adapter.type', 'lora'),
  keyFloat32('adapter.lora.alpha', alpha),
];

/** The tensors of an adapter's file: A is rank × columns, B is rows × rank. */
export const adapterTensors = (pairs: Pairs): Tensor[] =>
  [...pairs].flatMap(([name, { a, b, columns, rows }]) => [
    tensorOf(`${name}.lora_a`, [columns, rank], a),
    tensorOf(`${name}.lora_b`, [rank, rows], b),
  ]);

export const writeAdapter = (path: string, pairs: Pairs): void =>
  writeGguf(path, adapterKeys(), adapterTensors(pairs));

/** W + scale · (alpha / rank) · B · A, accumulated in double precision. */
function merged(weight: Tensor, pairs: Pairs, scale: number): Tensor {
  const pair = pairs.get(weight.name);
  if (pair === undefined || weight.type !== f32) return weight;
  const { a, b, columns, rows } = pair;
  const values = floatsOf(weight);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let r = 0; r < rank; r++) {
        sum += (b[row * rank + r] as number) * (a[r * columns + column] as number);
      }
      const index = row * columns + column;
      values[index] = (values[index] as number) + ((scale * alpha) / rank) * sum;
    }
  }
  return tensorOf(weight.name, weight.shape, values);
}

/** Writes the model with the adapters merged into its weights. */
export function writeMerged(path: string, base: Gguf, uses: readonly [Pairs, number][]): void {
  const tensors = base.tensors.map((tensor) =>
    uses.reduce((weight, [pairs, scale]) => merged(weight, pairs, scale), tensor),
  );
  writeGguf(path, base.keyValues.values(), tensors);
}

/** The default model as F32, and two adapter files for it, in the test's folder. */
export async function adapterFiles(t: Test) {
  const folder = t.testdir();
  const { path, plain } = await formsOf(t, 'F32');
  const base = readGguf(plain);
  const pairs = makePairs(base, 1);
  const others = makePairs(base, 1000);
  const file = join(folder, 'adapter.gguf');
  const otherFile = join(folder, 'adapter ❤ 2.gguf');
  writeAdapter(file, pairs);
  writeAdapter(otherFile, others);
  return { folder, modelPath: path, base, pairs, others, file, otherFile };
}

/** An LM on a model file, closed at the end of the test. */
export async function open(t: Test, path: string): Promise<LLaMa> {
  const lm = await LLaMa.load(path, { ...exact, contextSize: 128 });
  t.teardown(() => lm.close());
  return lm;
}
