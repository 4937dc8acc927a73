// LoRA adapters of the default model, and models into whose weights the test merged them.

import {
  f32,
  floatsOf,
  type Gguf,
  keyFloat32,
  keyString,
  noise,
  type Tensor,
  tensorOf,
  writeGguf,
} from '../support/gguf.js';

export const rank = 4;
export const alpha = 6;
/** Weights of each kind of product. */
export const targets = ['attn_q', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_down'];

/** The low-rank pairs of an adapter, by weight. */
export type Pairs = Map<
  string,
  { a: Float32Array; b: Float32Array; columns: number; rows: number }
>;

/** Pairs for some weights of a model, of noise that a model notices. */
export function makePairs({ tensors }: Gguf, seed: number, size = 0.3): Pairs {
  const wanted = tensors.filter(({ name }) => targets.some((each) => name.includes(`.${each}.w`)));
  return new Map(
    wanted.map(({ name, shape }, index) => {
      const [columns, rows] = shape as [number, number];
      const a = noise(columns * rank, size, seed + 2 * index);
      const b = noise(rows * rank, size, seed + 2 * index + 1);
      return [name, { a, b, columns, rows }];
    }),
  );
}

/** The keys of an adapter's file. */
export const adapterKeys = (architecture = 'llama'): Buffer[] => [
  keyString('general.type', 'adapter'),
  keyString('general.architecture', architecture),
  keyString('general.name', 'noise, größer'),
  keyString('adapter.type', 'lora'),
  keyFloat32('adapter.lora.alpha', alpha),
];

/** A's rows are as long as the weight's, B's as long as the rank. */
export const adapterTensors = (pairs: Pairs): Tensor[] =>
  [...pairs].flatMap(([name, { a, b, columns, rows }]) => [
    tensorOf(`${name}.lora_a`, [columns, rank], a),
    tensorOf(`${name}.lora_b`, [rank, rows], b),
  ]);

export const writeAdapter = (path: string, pairs: Pairs): void =>
  writeGguf(path, adapterKeys(), adapterTensors(pairs));

/** W + scale · (alpha / rank) · B · A, in doubles until the end. */
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

/** Writes the model with the adapters in its weights. */
export function writeMerged(path: string, base: Gguf, uses: readonly [Pairs, number][]): void {
  const tensors = base.tensors.map((tensor) =>
    uses.reduce((weight, [pairs, scale]) => merged(weight, pairs, scale), tensor),
  );
  writeGguf(path, base.keyValues.values(), tensors);
}
