// Converts a GGUF file of the llama architecture to a Transformers folder with ONNX, in pure Node:
//
//   npm run write:onnx -- FOLDER [--gguf FILE] [--dtype fp32|fp16|q8] [--no-past]
//
// The tests of TfLM use it, too. The output is deterministic.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readGguf } from './onnx/gguf.mjs';
import { llamaGraph } from './onnx/graph.mjs';
import { tokenizerConfigOf, tokenizerOf } from './onnx/tokenizer.mjs';

const defaultModel = fileURLToPath(new URL('default.gguf', import.meta.url));

/** Transformers' file name suffix per weight type. */
const suffixes = { fp32: '', fp16: '_fp16', q8: '_quantized' };

function shapeOf(metadata, tensors) {
  const architecture = metadata.get('general.architecture');
  if (architecture !== 'llama') throw new Error(`Unsupported architecture: ${architecture}`);
  if (metadata.has('llama.rope.scaling.type') || tensors.has('rope_freqs.weight')) {
    throw new Error('RoPE scaling is not supported');
  }
  const own = (key) => metadata.get(`llama.${key}`);
  const heads = own('attention.head_count');
  const width = own('embedding_length');
  return {
    layers: own('block_count'),
    heads,
    headsKV: own('attention.head_count_kv') ?? heads,
    headSize: width / heads,
    width,
    hidden: own('feed_forward_length'),
    context: own('context_length'),
    ropeBase: own('rope.freq_base') ?? 10000,
    eps: own('attention.layer_norm_rms_epsilon'),
    vocabularySize: tensors.get('token_embd.weight').shape[1],
  };
}

function configOf(shape, metadata, tensors) {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    bos_token_id: metadata.get('tokenizer.ggml.bos_token_id'),
    eos_token_id: metadata.get('tokenizer.ggml.eos_token_id'),
    hidden_act: 'silu',
    hidden_size: shape.width,
    intermediate_size: shape.hidden,
    max_position_embeddings: shape.context,
    num_attention_heads: shape.heads,
    num_hidden_layers: shape.layers,
    num_key_value_heads: shape.headsKV,
    head_dim: shape.headSize,
    rms_norm_eps: shape.eps,
    rope_theta: shape.ropeBase,
    tie_word_embeddings: !tensors.has('output.weight'),
    vocab_size: shape.vocabularySize,
  };
}

/** Writes the folder. It can exist: another weight type is added next to the existing ones. */
export function writeOnnx(
  folder,
  { gguf = defaultModel, dtype = 'fp32', past = true, window = 0, recurrent = false } = {},
) {
  if (!Object.hasOwn(suffixes, dtype)) {
    throw new Error(`Expected one of ${Object.keys(suffixes).join(', ')} for dtype, got ${dtype}`);
  }
  const { metadata, tensors } = readGguf(gguf);
  const shape = shapeOf(metadata, tensors);
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  const writeJson = (name, content) =>
    writeFileSync(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
  const ends = ['eos', 'eot'].map((name) => metadata.get(`tokenizer.ggml.${name}_token_id`));
  writeJson('config.json', {
    ...configOf(shape, metadata, tensors),
    // An architecture with both kinds of states, so that Transformers handles them.
    ...(recurrent ? { model_type: 'lfm2', architectures: ['Lfm2ForCausalLM'] } : {}),
    layer_types: [...Array(shape.layers).fill('full_attention'), ...(recurrent ? ['conv'] : [])],
  });
  writeJson('generation_config.json', {
    bos_token_id: metadata.get('tokenizer.ggml.bos_token_id'),
    eos_token_id: ends.filter((id) => id !== undefined),
  });
  writeJson('tokenizer.json', tokenizerOf(metadata));
  writeJson('tokenizer_config.json', tokenizerConfigOf(metadata));
  const file = join(folder, 'onnx', `model${suffixes[dtype]}.onnx`);
  writeFileSync(file, llamaGraph(shape, tensors, { dtype, past, window, recurrent }));
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      gguf: { type: 'string' },
      dtype: { type: 'string' },
      'no-past': { type: 'boolean', default: false },
    },
  });
  const [folder] = positionals;
  if (folder === undefined || positionals.length > 1) {
    console.error(
      'Usage: npm run write:onnx -- FOLDER [--gguf FILE] [--dtype fp32|fp16|q8] [--no-past]',
    );
    process.exit(1);
  }
  writeOnnx(folder, { gguf: values.gguf, dtype: values.dtype, past: !values['no-past'] });
}
