// Tiny models with the tokenizers of real ones and random weights, written at test time: what a
// tokenizer does to scores shows on them, whatever the weights.

import { join } from 'node:path';
import { Model } from 'autocog-lm';
import type { Test } from 'tap';
import {
  keyFloat32,
  keyString,
  keyUint32,
  noise,
  readGguf,
  type Tensor,
  tensorOf,
  writeGguf,
} from './gguf.js';

const feedForward = 64;
const contextSize = 256;

/** A llama of one layer. */
function tensors(vocabulary: number, width: number): Tensor[] {
  const matrix = (name: string, columns: number, rows: number, seed: number): Tensor =>
    tensorOf(
      `${name}.weight`,
      [columns, rows],
      noise(columns * rows, 2 / Math.sqrt(columns), seed),
    );
  const ones = (name: string): Tensor =>
    tensorOf(`${name}.weight`, [width], new Float32Array(width).fill(1));
  return [
    tensorOf('token_embd.weight', [width, vocabulary], noise(width * vocabulary, 1, 1)),
    ones('blk.0.attn_norm'),
    matrix('blk.0.attn_q', width, width, 2),
    matrix('blk.0.attn_k', width, width, 3),
    matrix('blk.0.attn_v', width, width, 4),
    matrix('blk.0.attn_output', width, width, 5),
    ones('blk.0.ffn_norm'),
    matrix('blk.0.ffn_gate', width, feedForward, 6),
    matrix('blk.0.ffn_up', width, feedForward, 7),
    matrix('blk.0.ffn_down', feedForward, width, 8),
    ones('output_norm'),
    matrix('output', width, vocabulary, 9),
  ];
}

/**
 * Writes a model of two heads with the tokenizer of `llama.cpp/models/ggml-vocab-<name>.gguf`.
 * Returns its path.
 */
export async function writeVocabularyModel(t: Test, name: string, headSize = 16): Promise<string> {
  const width = 2 * headSize;
  const source = `llama.cpp/models/ggml-vocab-${name}.gguf`;
  const vocabulary = await Model.load(source, { vocabOnly: true });
  const { size } = vocabulary.vocab;
  await vocabulary.close();
  const tokenizer = [...readGguf(source).keyValues].filter(([key]) => key.startsWith('tokenizer.'));
  const keyValues = [
    keyString('general.architecture', 'llama'),
    keyUint32('llama.vocab_size', size),
    keyUint32('llama.context_length', contextSize),
    keyUint32('llama.embedding_length', width),
    keyUint32('llama.block_count', 1),
    keyUint32('llama.feed_forward_length', feedForward),
    keyUint32('llama.attention.head_count', 2),
    keyFloat32('llama.attention.layer_norm_rms_epsilon', 1e-5),
    ...tokenizer.map(([, bytes]) => bytes),
  ];
  const path = join(t.testdir(), `${name}-${headSize}.gguf`);
  writeGguf(path, keyValues, tensors(size, width));
  return path;
}
