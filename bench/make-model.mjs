// Writes the bench's model: the shape of Qwen2 0.5B with its tokenizer of 151,936 tokens, and
// seeded random weights in Q8_0. About 0.5 GB, written once, a few megabytes at a time.
// `node bench/make-model.mjs` prints its path.

import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, root } from '../scripts/run.mjs';
import { cached } from './cache.mjs';
import {
  alignment,
  keyFloat32,
  keyString,
  keyUint32,
  makeHead,
  readKeyValues,
  tensorBytes,
  types,
} from './gguf.mjs';

/** Part of the file name, so that a model of another version of this script is not reused. */
const version = 1;
const shape = { layers: 24, width: 896, heads: 14, headsKV: 2, feedForward: 4864 };
export const vocabulary = 151936;

/** Size in bytes of a KV cache of so many cells, as F16. */
export function cacheBytes(cells) {
  const { layers, width, heads, headsKV } = shape;
  return cells * layers * 2 * (width / heads) * headsKV * 2;
}

/** mulberry32: the same seed generates the same bits on every machine. */
function randomBits(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return t ^ (t >>> 14);
  };
}

/** The nearest IEEE half-precision number to a positive number below 1, as bits. */
function half(value) {
  const exponent = Math.floor(Math.log2(value));
  if (exponent < -14) return Math.round(value * 2 ** 24);
  return ((exponent + 15) << 10) + Math.round((value / 2 ** exponent - 1) * 1024);
}

/** Fills blocks of one scale and 32 uniform integers in ±127; weights have this standard `deviation`. */
function fillQ8(chunk, bits, deviation) {
  const scale = half(deviation / Math.sqrt((127 * 128) / 3));
  for (let at = 0; at < chunk.length; at += 34) {
    chunk.writeUInt16LE(scale, at);
    for (let i = 2; i < 34; i += 4) {
      const word = bits();
      for (let byte = 0; byte < 4; byte++) {
        const value = (word >> (8 * byte)) & 255;
        // Q8_0 does not use −128.
        chunk[at + i + byte] = value === 128 ? 0 : value;
      }
    }
  }
}

/** Weights with a standard deviation. */
export const q8 = (name, inputs, outputs, deviation) => {
  return { name: `${name}.weight`, shape: [inputs, outputs], type: types.q8_0, deviation };
};
/** `value(bits)` for each element. */
export const f32 = (name, shape, value) => ({
  name,
  shape: [shape].flat(),
  type: types.f32,
  value,
});
export const ones = () => 1;
export const zeros = () => 0;
/** Of the last norm, for logits with a standard deviation of 3 after an embedding with one of 0.5. */
export const signs = (bits) => (bits() & 1 ? 0.2 : -0.2);

// The deviations keep activations near 1 and no layer outweighs the embedding, as in a trained
// model. Otherwise later layers would amplify rounding errors of earlier ones.
function tensors() {
  const { layers, width, heads, headsKV, feedForward } = shape;
  const widthKV = (width / heads) * headsKV;
  const layer = (name) => [
    f32(`${name}.attn_norm.weight`, width, ones),
    q8(`${name}.attn_q`, width, width, 1 / Math.sqrt(width)),
    f32(`${name}.attn_q.bias`, width, zeros),
    q8(`${name}.attn_k`, width, widthKV, 1 / Math.sqrt(width)),
    f32(`${name}.attn_k.bias`, widthKV, zeros),
    q8(`${name}.attn_v`, width, widthKV, 1 / Math.sqrt(width)),
    f32(`${name}.attn_v.bias`, widthKV, zeros),
    q8(`${name}.attn_output`, width, width, 0.3 / Math.sqrt(width)),
    f32(`${name}.ffn_norm.weight`, width, ones),
    q8(`${name}.ffn_gate`, width, feedForward, 1 / Math.sqrt(width)),
    q8(`${name}.ffn_up`, width, feedForward, 1 / Math.sqrt(width)),
    q8(`${name}.ffn_down`, feedForward, width, 0.3 / Math.sqrt(feedForward)),
  ];
  return [
    q8('token_embd', width, vocabulary, 0.5),
    ...Array.from({ length: layers }, (_, index) => layer(`blk.${index}`)).flat(),
    // Embedding and output matrix are tied. Without random signs in between, each token would be
    // its own most likely successor.
    f32('output_norm.weight', width, signs),
  ];
}

/** The key-value pairs of Qwen2's tokenizer. */
export function tokenizerOfQwen2() {
  const vocab = readFileSync(join(root, 'llama.cpp', 'models', 'ggml-vocab-qwen2.gguf'));
  const tokenizer = [...readKeyValues(vocab)].filter(([key]) => key.startsWith('tokenizer.'));
  return tokenizer.map(([, bytes]) => bytes);
}

function keyValues() {
  return [
    keyString('general.architecture', 'qwen2'),
    keyString('general.name', 'autocog-lm bench: Qwen2 0.5B shape, random weights'),
    keyUint32('general.file_type', 7),
    keyUint32('general.quantization_version', 2),
    keyUint32('qwen2.context_length', 32768),
    keyUint32('qwen2.block_count', shape.layers),
    keyUint32('qwen2.embedding_length', shape.width),
    keyUint32('qwen2.feed_forward_length', shape.feedForward),
    keyUint32('qwen2.attention.head_count', shape.heads),
    keyUint32('qwen2.attention.head_count_kv', shape.headsKV),
    keyFloat32('qwen2.rope.freq_base', 1e6),
    keyFloat32('qwen2.attention.layer_norm_rms_epsilon', 1e-6),
    ...tokenizerOfQwen2(),
  ];
}

function writeTensor(file, tensor, bits) {
  const bytes = tensorBytes(tensor);
  if (tensor.type === types.f32) {
    writeFileSync(
      file,
      Float32Array.from({ length: bytes / 4 }, () => tensor.value(bits)),
    );
  } else {
    const chunk = Buffer.alloc(34 * 2 ** 17);
    for (let left = bytes; left > 0; left -= chunk.length) {
      const part = chunk.subarray(0, Math.min(chunk.length, left));
      fillQ8(part, bits, tensor.deviation);
      writeFileSync(file, part);
    }
  }
  if (bytes % alignment > 0) writeFileSync(file, Buffer.alloc(alignment - (bytes % alignment)));
}

/** Writes a model of seeded random weights to the cache, unless it is there. Returns its path. */
export function cachedModel(name, keyValues, tensors) {
  return cached(name, (path) => {
    console.log(`writing ${name} (0.5 GB, once)`);
    const file = openSync(path, 'wx');
    try {
      const bits = randomBits(20261120);
      writeFileSync(file, makeHead(keyValues, tensors));
      for (const tensor of tensors) writeTensor(file, tensor, bits);
    } finally {
      closeSync(file);
    }
  });
}

/** The model's path; writes the model first if it is not in the cache. */
export function benchModel() {
  return cachedModel(`qwen2-0.5b-random-q8_0-v${version}.gguf`, keyValues(), tensors());
}

await main(import.meta.url, () => console.log(benchModel()));
