// Tiny recurrent and hybrid models with random weights and the default model's tokenizer, written at
// test time.

import { join } from 'node:path';
import { defaultModelPath } from 'autocog-lm';
import type { Test } from 'tap';
import {
  keyFloat32,
  keyString,
  keyUint32,
  keyUint32s,
  noise,
  readGguf,
  type Tensor,
  tensorOf,
  writeGguf,
} from './gguf.js';

/** Mamba has recurrent layers only, LFM2 also one of attention. */
export type RecurrentArchitecture = 'mamba' | 'lfm2';

const width = 32;
const inner = 64;
const state = 8;
const rank = 4;
const convolution = 4;
const feedForward = 64;
const layers = 2;
const contextSize = 512;

let seed = 0;
const matrix = (name: string, ...shape: number[]): Tensor => {
  const size = shape.reduce((product, each) => product * each);
  seed += 1;
  return tensorOf(name, shape, noise(size, 2 / Math.sqrt(shape[0] as number), seed));
};
const constant = (name: string, value: number, ...shape: number[]): Tensor => {
  const size = shape.reduce((product, each) => product * each);
  return tensorOf(name, shape, new Float32Array(size).fill(value));
};

function mambaLayer(index: number): Tensor[] {
  const name = (part: string) => `blk.${index}.${part}`;
  return [
    constant(name('attn_norm.weight'), 1, width),
    matrix(name('ssm_in.weight'), width, 2 * inner),
    matrix(name('ssm_conv1d.weight'), convolution, inner),
    constant(name('ssm_conv1d.bias'), 0.1, inner),
    matrix(name('ssm_x.weight'), inner, rank + 2 * state),
    matrix(name('ssm_dt.weight'), rank, inner),
    constant(name('ssm_dt.bias'), -1, inner),
    // Negative, so that the state decays; slowly, so that tokens have a lasting effect.
    constant(name('ssm_a'), -0.2, state, inner),
    constant(name('ssm_d'), 1, inner),
    matrix(name('ssm_out.weight'), inner, width),
  ];
}

function lfm2Layer(index: number): Tensor[] {
  const name = (part: string) => `blk.${index}.${part}.weight`;
  const mixer =
    index === 0
      ? [
          matrix(name('shortconv.conv'), convolution, width),
          matrix(name('shortconv.in_proj'), width, 3 * width),
          matrix(name('shortconv.out_proj'), width, width),
        ]
      : [
          constant(name('attn_q_norm'), 1, width / 2),
          constant(name('attn_k_norm'), 1, width / 2),
          ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((part) =>
            matrix(name(part), width, width),
          ),
        ];
  return [
    constant(name('attn_norm'), 1, width),
    ...mixer,
    constant(name('ffn_norm'), 1, width),
    matrix(name('ffn_gate'), width, feedForward),
    matrix(name('ffn_up'), width, feedForward),
    matrix(name('ffn_down'), feedForward, width),
  ];
}

/** Writes a model and returns its path. */
export function writeRecurrentModel(t: Test, architecture: RecurrentArchitecture): string {
  seed = 0;
  const isMamba = architecture === 'mamba';
  const key = (name: string) => `${architecture}.${name}`;
  const source = readGguf(defaultModelPath).keyValues;
  const tokenizer = [...source].filter(([name]) => name.startsWith('tokenizer.'));
  const vocabulary = source.get('tokenizer.ggml.tokens') as Buffer;
  // A list: its key, two types, its length.
  const size = Number(vocabulary.readBigUInt64LE(8 + 'tokenizer.ggml.tokens'.length + 8));
  const keyValues = [
    keyString('general.architecture', architecture),
    keyUint32(key('context_length'), contextSize),
    keyUint32(key('embedding_length'), width),
    keyUint32(key('block_count'), layers),
    keyUint32(key('feed_forward_length'), isMamba ? 0 : feedForward),
    keyUint32(key('attention.head_count'), isMamba ? 0 : 2),
    keyFloat32(key('attention.layer_norm_rms_epsilon'), 1e-5),
    ...(isMamba
      ? [
          keyUint32(key('ssm.conv_kernel'), convolution),
          keyUint32(key('ssm.inner_size'), inner),
          keyUint32(key('ssm.state_size'), state),
          keyUint32(key('ssm.time_step_rank'), rank),
        ]
      : [
          keyUint32(key('shortconv.l_cache'), convolution),
          keyUint32(key('vocab_size'), size),
          keyUint32s(key('attention.head_count_kv'), [0, 2]),
        ]),
    ...tokenizer.map(([, bytes]) => bytes),
  ];
  const tensors = [
    matrix('token_embd.weight', width, size),
    constant(isMamba ? 'output_norm.weight' : 'token_embd_norm.weight', 1, width),
    matrix('output.weight', width, size),
    ...Array.from({ length: layers }, (_, i) => (isMamba ? mambaLayer(i) : lfm2Layer(i))).flat(),
  ];
  const path = join(t.testdir(), `${architecture}.gguf`);
  writeGguf(path, keyValues, tensors);
  return path;
}
