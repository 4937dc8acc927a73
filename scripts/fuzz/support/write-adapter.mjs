// A LoRA adapter and a control vector for the default model, with random numbers.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../run.mjs';
import { readGguf, writeGguf } from './gguf.mjs';
import { Random } from './random.mjs';

const rank = 4;

const textValue = (key, text) => {
  const length = Buffer.from(BigUint64Array.of(BigInt(Buffer.byteLength(text))).buffer);
  return { key, type: 8, bytes: Buffer.concat([length, Buffer.from(text)]) };
};

const rowOf = (random, count) =>
  Buffer.from(Float32Array.from({ length: count }, () => random.next() * 0.2 - 0.1).buffer);

/** Writes a control vector for every layer but the first. */
export function writeControlVector(path) {
  const random = new Random(2);
  const model = readGguf(join(root, 'models', 'default.gguf'));
  const norms = model.tensors.filter(({ name }) => /^blk\.\d+\.attn_norm\.weight$/.test(name));
  const tensors = norms.slice(1).map(({ shape }, index) => {
    const data = rowOf(random, shape[0]);
    return { name: `direction.${index + 1}`, shape, type: 0, data };
  });
  const values = [textValue('general.architecture', 'controlvector')];
  writeFileSync(path, writeGguf({ version: 3, values, tensors }).bytes);
}

/** Writes an adapter of the attention's queries and values. */
export function writeAdapter(path) {
  const random = new Random(1);
  const factor = (name, shape) => {
    return { name, shape, type: 0, data: rowOf(random, shape[0] * shape[1]) };
  };
  const model = readGguf(join(root, 'models', 'default.gguf'));
  const tensors = model.tensors
    .filter(({ name }) => /\.attn_[qv]\.weight$/.test(name))
    .flatMap(({ name, shape: [columns, rows] }) => [
      factor(`${name}.lora_a`, [columns, rank]),
      factor(`${name}.lora_b`, [rank, rows]),
    ]);
  const values = [
    textValue('general.type', 'adapter'),
    textValue('general.architecture', 'llama'),
    textValue('adapter.type', 'lora'),
    { key: 'adapter.lora.alpha', type: 6, bytes: Buffer.from(Float32Array.of(rank).buffer) },
  ];
  writeFileSync(path, writeGguf({ version: 3, values, tensors }).bytes);
}
