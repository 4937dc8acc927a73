// Models whose metadata says that keys or values are longer than their weights could make them: refused before
// llama.cpp allocates cells of that length.

import { join } from 'node:path';
import { defaultModelPath, LLaMa, Model, quantize } from 'autocog-lm';
import t from 'tap';
import { oneThread } from '../support/forms.js';
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
} from '../support/gguf.js';

const width = 32;
const heads = 2;
const rotated = 8;
const latent = 16;
const head = 16;

/** DeepSeek V2: its keys are latent, so that no tensor has the length that its cells have. */
async function writeLatent(
  path: string,
  lengths: Record<string, number>,
  headCounts: readonly number[] = [1],
): Promise<void> {
  const plain = join(t.testdir(), 'plain.gguf');
  await quantize(defaultModelPath, plain, 'F32');
  const { keyValues, tensors } = readGguf(plain);
  const vocabulary = tensors.find(({ name }) => name === 'token_embd.weight')?.shape[1] as number;
  const tensor = (name: string, ...shape: number[]): Tensor => {
    const size = shape.reduce((product, each) => product * each);
    return tensorOf(`${name}.weight`, shape, noise(size, 0.2, size));
  };
  const numbers = {
    context_length: 512,
    embedding_length: width,
    block_count: headCounts.length,
    leading_dense_block_count: headCounts.length,
    feed_forward_length: width,
    expert_feed_forward_length: width,
    expert_shared_count: 1,
    'attention.head_count': heads,
    'attention.q_lora_rank': 0,
    'attention.kv_lora_rank': latent,
    'attention.key_length': latent + rotated,
    'attention.value_length': latent,
    'attention.key_length_mla': head,
    'attention.value_length_mla': head,
    'rope.dimension_count': rotated,
    ...lengths,
  };
  const own = Object.entries(numbers).map(([key, value]) => keyUint32(`deepseek2.${key}`, value));
  const tokenizer = [...keyValues].filter(([key]) => key.startsWith('tokenizer.'));
  writeGguf(
    path,
    [
      keyString('general.architecture', 'deepseek2'),
      ...own,
      keyUint32s('deepseek2.attention.head_count_kv', headCounts),
      keyFloat32('deepseek2.attention.layer_norm_rms_epsilon', 1e-5),
      ...tokenizer.map(([, bytes]) => bytes),
    ],
    [
      tensor('token_embd', width, vocabulary),
      tensor('output_norm', width),
      ...headCounts.flatMap((_, layer) => [
        tensor(`blk.${layer}.attn_norm`, width),
        tensor(`blk.${layer}.attn_q`, width, heads * head),
        tensor(`blk.${layer}.attn_kv_a_mqa`, width, latent + rotated),
        tensor(`blk.${layer}.attn_kv_a_norm`, latent),
        tensor(`blk.${layer}.attn_k_b`, head - rotated, latent, heads),
        tensor(`blk.${layer}.attn_v_b`, latent, head, heads),
        tensor(`blk.${layer}.attn_output`, heads * head, width),
        tensor(`blk.${layer}.ffn_norm`, width),
        tensor(`blk.${layer}.ffn_gate`, width, width),
        tensor(`blk.${layer}.ffn_up`, width, width),
        tensor(`blk.${layer}.ffn_down`, width, width),
      ]),
    ],
  );
}

t.test('keys or values that are longer than weights make them are refused at once', async (t) => {
  const path = join(t.testdir(), 'latent.gguf');
  const length = 2 ** 21;
  const refused = { code: 'MODEL_LOAD', message: /too few weights for keys and values/ };
  const before = process.resourceUsage().maxRSS;
  for (const key of ['attention.key_length', 'attention.value_length']) {
    await writeLatent(path, { [key]: length });
    await t.rejects(Model.load(path), refused, key);
  }
  await writeLatent(path, {});
  const metadataOverrides = { 'deepseek2.attention.key_length': BigInt(length) };
  await t.rejects(Model.load(path, { metadataOverrides }), refused, 'an override');
  await writeLatent(path, {}, [1, 65_536]);
  await t.rejects(Model.load(path), refused, 'heads of the second layer');
  const kibibytes = process.resourceUsage().maxRSS - before;
  t.ok(kibibytes < 2 ** 19, `${kibibytes} KiB`);

  await writeLatent(path, {}, [1, 1]);
  const model = await Model.load(path);
  const lm = new LLaMa(model, oneThread);
  t.teardown(() => Promise.all([lm.close(), model.close()]));
  const { choices } = await lm.choose('Once', [' upon', ' more']);
  t.ok(choices.every(({ logprob }) => logprob < 0));
});
