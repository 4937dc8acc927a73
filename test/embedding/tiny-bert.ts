// Writes a GGUF file of a tiny BERT with random weights and BERT's vocabulary, with or without a
// head for ranking or classification. Tests generate it, as they may not download a real model.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import {
  keyFloat32,
  keyString,
  keyUint32,
  makeHead,
  readKeyValues,
  types,
} from '../../bench/gguf.mjs';

const width = 64;
const layers = 2;
const feedForward = 128;
/** The size of its position embedding table. */
export const bertContextSize = 128;

/** Values of `pooling_type` in GGUF files. */
const poolingTypes = { none: 0, mean: 1, cls: 2, last: 3, rank: 4 } as const;

/** Variants of the model. */
export interface TinyBert {
  pooling?: keyof typeof poolingTypes | number;
  /** The number of outputs of the head, or their labels. */
  head?: 1 | readonly string[];
  /** `tokenizer.chat_template.rerank`. */
  template?: string;
  seed?: number;
}

interface Tensor {
  name: string;
  shape: number[];
  type: number;
  value: () => number;
}

const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const string = (text: string): Buffer =>
  Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);
const keyFalse = (key: string): Buffer => Buffer.concat([string(key), u32(7), Buffer.of(0)]);
const keyTexts = (key: string, texts: readonly string[]): Buffer =>
  Buffer.concat([string(key), u32(9), u32(8), u64(texts.length), ...texts.map(string)]);

/** An approximately normal distribution from mulberry32, the same on every platform. */
function randomNumbers(seed: number): (deviation: number) => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return (deviation) => (uniform() + uniform() + uniform() - 1.5) * 2 * deviation;
}

function tensorsOf(vocabulary: number, head: TinyBert['head'], seed: number): Tensor[] {
  const random = randomNumbers(seed);
  const matrix = (name: string, inputs: number, outputs: number): Tensor => {
    const value = () => random(1.5 / Math.sqrt(inputs));
    return { name: `${name}.weight`, shape: [inputs, outputs], type: types.f32, value };
  };
  const vector = (name: string, size: number, center: number): Tensor => {
    return { name, shape: [size], type: types.f32, value: () => center + random(0.2) };
  };
  const linear = (name: string, inputs: number, outputs: number) => [
    matrix(name, inputs, outputs),
    vector(`${name}.bias`, outputs, 0),
  ];
  const norm = (name: string) => [
    vector(`${name}.weight`, width, 1),
    vector(`${name}.bias`, width, 0),
  ];
  const layer = (name: string) => [
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].flatMap((part) =>
      linear(`${name}.${part}`, width, width),
    ),
    ...norm(`${name}.attn_output_norm`),
    ...linear(`${name}.ffn_up`, width, feedForward),
    ...linear(`${name}.ffn_down`, feedForward, width),
    ...norm(`${name}.layer_output_norm`),
  ];
  const outputs = typeof head === 'object' ? head.length : head;
  return [
    matrix('token_embd', width, vocabulary),
    matrix('token_types', width, 2),
    matrix('position_embd', width, bertContextSize),
    ...norm('token_embd_norm'),
    ...Array.from({ length: layers }, (_, index) => layer(`blk.${index}`)).flat(),
    ...(outputs === undefined
      ? []
      : [...linear('cls', width, width), ...linear('cls.output', width, outputs)]),
  ];
}

function keyValuesOf({ pooling = 'cls', head, template }: TinyBert): [number, Buffer[]] {
  const vocab = readKeyValues(
    readFileSync(join('llama.cpp', 'models', 'ggml-vocab-bert-bge.gguf')),
  );
  const tokenizer = [...vocab].filter(([key]) => key.startsWith('tokenizer.'));
  const list = vocab.get('tokenizer.ggml.tokens') as Buffer;
  // Layout: key, value type, element type, element count.
  const size = Number(list.readBigUInt64LE(8 + 'tokenizer.ggml.tokens'.length + 8));
  const type = typeof pooling === 'number' ? pooling : poolingTypes[pooling];
  return [
    size,
    [
      keyString('general.architecture', 'bert'),
      keyString('general.name', 'tiny random encoder'),
      keyUint32('bert.context_length', bertContextSize),
      keyUint32('bert.block_count', layers),
      keyUint32('bert.embedding_length', width),
      keyUint32('bert.feed_forward_length', feedForward),
      keyUint32('bert.attention.head_count', 4),
      keyFloat32('bert.attention.layer_norm_epsilon', 1e-12),
      keyFalse('bert.attention.causal'),
      keyUint32('bert.pooling_type', type),
      ...(typeof head === 'object' ? [keyTexts('bert.classifier.output_labels', head)] : []),
      ...(template === undefined ? [] : [keyString('tokenizer.chat_template.rerank', template)]),
      ...tokenizer.map(([, bytes]) => bytes),
    ],
  ];
}

/** Writes the model to `path`. */
export function writeTinyBert(path: string, options: TinyBert = {}): void {
  const [vocabulary, keyValues] = keyValuesOf(options);
  const tensors = tensorsOf(vocabulary, options.head, options.seed ?? 1);
  const data = tensors.map(({ shape, value }) => {
    const size = shape.reduce((product, each) => product * each, 1);
    // Pads every tensor to the file's alignment of 32 bytes.
    const padded = new Float32Array(Math.ceil(size / 8) * 8);
    for (let index = 0; index < size; index++) padded[index] = value();
    return Buffer.from(padded.buffer);
  });
  writeFileSync(path, Buffer.concat([makeHead(keyValues, tensors), ...data]));
}

/** Writes the model to the test's directory, and returns its path. */
export function tinyBert(t: Test, options: TinyBert = {}): string {
  const path = join(t.testdir(), 'tiny-bert.gguf');
  writeTinyBert(path, options);
  return path;
}
