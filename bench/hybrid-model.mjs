// Writes a hybrid model for the bench: Qwen3.5's layers, three of four with a gated delta net, in the
// widths of Qwen2 0.5B and with its tokenizer; seeded random weights in Q8_0. About 0.6 GB.

import { keyFloat32, keyString, keyUint32, keyUint32s } from './gguf.mjs';
import {
  cachedModel,
  f32,
  ones,
  q8,
  signs,
  tokenizerOfQwen2,
  vocabulary,
  zeros,
} from './make-model.mjs';

const version = 1;
const shape = { layers: 24, width: 896, feedForward: 4864, heads: 8, headsKV: 2, headSize: 128 };
/** Of the gated delta nets: a state of 16 matrices of 128 × 128 in single precision, 1 MiB per layer. */
const net = { heads: 16, headSize: 128, kernel: 4 };
const attentionInterval = 4;

function tensors() {
  const { layers, width, feedForward, heads, headsKV, headSize } = shape;
  const netWidth = net.heads * net.headSize;
  const spread = 1 / Math.sqrt(width);
  const attention = (name) => [
    // Queries and their gates.
    q8(`${name}.attn_q`, width, 2 * heads * headSize, spread),
    q8(`${name}.attn_k`, width, headsKV * headSize, spread),
    q8(`${name}.attn_v`, width, headsKV * headSize, spread),
    q8(`${name}.attn_output`, heads * headSize, width, 0.3 / Math.sqrt(heads * headSize)),
    f32(`${name}.attn_q_norm.weight`, headSize, ones),
    f32(`${name}.attn_k_norm.weight`, headSize, ones),
  ];
  const deltaNet = (name) => [
    q8(`${name}.attn_qkv`, width, 3 * netWidth, spread),
    q8(`${name}.attn_gate`, width, netWidth, spread),
    f32(`${name}.ssm_conv1d.weight`, [net.kernel, 3 * netWidth], () => 0.5),
    f32(`${name}.ssm_dt.bias`, net.heads, zeros),
    f32(`${name}.ssm_a`, net.heads, () => -0.1),
    q8(`${name}.ssm_beta`, width, net.heads, spread),
    q8(`${name}.ssm_alpha`, width, net.heads, spread),
    f32(`${name}.ssm_norm.weight`, net.headSize, ones),
    q8(`${name}.ssm_out`, netWidth, width, 0.3 / Math.sqrt(netWidth)),
  ];
  const layer = (index) => {
    const name = `blk.${index}`;
    const mixer = (index + 1) % attentionInterval === 0 ? attention : deltaNet;
    return [
      f32(`${name}.attn_norm.weight`, width, ones),
      ...mixer(name),
      f32(`${name}.post_attention_norm.weight`, width, ones),
      q8(`${name}.ffn_gate`, width, feedForward, spread),
      q8(`${name}.ffn_up`, width, feedForward, spread),
      q8(`${name}.ffn_down`, feedForward, width, 0.3 / Math.sqrt(feedForward)),
    ];
  };
  return [
    q8('token_embd', width, vocabulary, 0.5),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
    f32('output_norm.weight', width, signs),
  ];
}

function keyValues() {
  const key = (name) => `qwen35.${name}`;
  return [
    keyString('general.architecture', 'qwen35'),
    keyString('general.name', 'autocog-lm bench: a hybrid of 0.5B shape, random weights'),
    keyUint32('general.file_type', 7),
    keyUint32('general.quantization_version', 2),
    keyUint32(key('context_length'), 32768),
    keyUint32(key('block_count'), shape.layers),
    keyUint32(key('embedding_length'), shape.width),
    keyUint32(key('feed_forward_length'), shape.feedForward),
    keyUint32(key('attention.head_count'), shape.heads),
    keyUint32(key('attention.head_count_kv'), shape.headsKV),
    keyUint32(key('attention.key_length'), shape.headSize),
    keyUint32(key('attention.value_length'), shape.headSize),
    keyFloat32(key('attention.layer_norm_rms_epsilon'), 1e-6),
    keyUint32(key('rope.dimension_count'), shape.headSize / 2),
    keyUint32s(key('rope.dimension_sections'), [11, 11, 10, 0]),
    keyFloat32(key('rope.freq_base'), 1e6),
    keyUint32(key('full_attention_interval'), attentionInterval),
    keyUint32(key('ssm.conv_kernel'), net.kernel),
    keyUint32(key('ssm.inner_size'), net.heads * net.headSize),
    keyUint32(key('ssm.state_size'), net.headSize),
    keyUint32(key('ssm.time_step_rank'), net.heads),
    keyUint32(key('ssm.group_count'), net.heads),
    ...tokenizerOfQwen2(),
  ];
}

/** The model's path; writes the model first if it is not in the cache. */
export function hybridModel() {
  return cachedModel(`hybrid-0.5b-random-q8_0-v${version}.gguf`, keyValues(), tensors());
}
