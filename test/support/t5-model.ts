// Tiny encoder-decoders of architecture T5 with random weights, written at test time.

import { join } from 'node:path';
import { defaultModelPath } from 'autocog-lm';
import type { Test } from 'tap';
import {
  keyBool,
  keyFloat32,
  keyString,
  keyUint32,
  noise,
  readGguf,
  type Tensor,
  tensorOf,
  writeGguf,
} from './gguf.js';

/** A model to write. */
export interface T5Options {
  /** The file with the tokenizer. Default: the default model's. */
  tokenizer?: string;
  /** Default: 2. */
  decoderLayers?: number;
  /** Undefined: the file has none. Default: 0. */
  decoderStart?: number | undefined;
  /** Whether a text that an encoder reads ends with EOS. Default: true. */
  addEos?: boolean;
}

const width = 32;
const heads = 2;
const feedForward = 64;
const buckets = 8;
const layers = 2;
const contextSize = 512;

let seed = 0;
/** Small, so that no activation grows large enough for single precision to matter. */
const matrix = (name: string, size: number, ...shape: [number, number]): Tensor => {
  seed += 1;
  return tensorOf(`${name}.weight`, shape, noise(shape[0] * shape[1], size, seed));
};
const linear = (name: string, columns: number, rows: number): Tensor =>
  matrix(name, 2 / Math.sqrt(columns), columns, rows);
const ones = (name: string): Tensor =>
  tensorOf(`${name}.weight`, [width], new Float32Array(width).fill(1));

function attention(prefix: string): Tensor[] {
  return ['q', 'k', 'v', 'o'].map((part) => linear(`${prefix}_${part}`, width, width));
}

/** T5 has the biases of relative positions in the first layer only, and uses them in all. */
function layer(side: 'enc' | 'dec', index: number): Tensor[] {
  const name = (part: string): string => `${side}.blk.${index}.${part}`;
  return [
    ones(name('attn_norm')),
    ...attention(name('attn')),
    ...(index === 0 ? [matrix(name('attn_rel_b'), 1, heads, buckets)] : []),
    ...(side === 'dec' ? [ones(name('cross_attn_norm')), ...attention(name('cross_attn'))] : []),
    ones(name('ffn_norm')),
    linear(name('ffn_up'), width, feedForward),
    linear(name('ffn_down'), feedForward, width),
  ];
}

/** Writes a model and returns its path. */
export function writeT5Model(t: Test, options: T5Options = {}): string {
  const { tokenizer = defaultModelPath, decoderLayers = layers, addEos = true } = options;
  const decoderStart = 'decoderStart' in options ? options.decoderStart : 0;
  seed = 0;
  const source = readGguf(tokenizer).keyValues;
  const ends = ['tokenizer.ggml.add_bos_token', 'tokenizer.ggml.add_eos_token'];
  const ofTokenizer = [...source].filter(
    ([name]) => name.startsWith('tokenizer.') && !ends.includes(name),
  );
  const vocabulary = source.get('tokenizer.ggml.tokens') as Buffer;
  // A list: its key, two types, its length.
  const size = Number(vocabulary.readBigUInt64LE(8 + 'tokenizer.ggml.tokens'.length + 8));
  const start = decoderStart === undefined ? [] : [decoderStart];
  const keyValues = [
    keyString('general.architecture', 't5'),
    keyUint32('t5.vocab_size', size),
    keyUint32('t5.context_length', contextSize),
    keyUint32('t5.embedding_length', width),
    keyUint32('t5.block_count', layers),
    keyUint32('t5.decoder_block_count', decoderLayers),
    keyUint32('t5.feed_forward_length', feedForward),
    keyUint32('t5.attention.head_count', heads),
    keyUint32('t5.attention.relative_buckets_count', buckets),
    keyFloat32('t5.attention.layer_norm_rms_epsilon', 1e-6),
    ...start.map((token) => keyUint32('t5.decoder_start_token_id', token)),
    keyBool('tokenizer.ggml.add_bos_token', false),
    keyBool('tokenizer.ggml.add_eos_token', addEos),
    ...ofTokenizer.map(([, bytes]) => bytes),
  ];
  const stack = (side: 'enc' | 'dec', count: number): Tensor[] =>
    Array.from({ length: count }, (_, index) => layer(side, index)).flat();
  const tensors = [
    matrix('token_embd', 1, width, size),
    ...stack('enc', layers),
    ones('enc.output_norm'),
    ...stack('dec', decoderLayers),
    ones('dec.output_norm'),
    linear('output', width, size),
  ];
  const path = join(t.testdir(), 't5.gguf');
  writeGguf(path, keyValues, tensors);
  return path;
}
