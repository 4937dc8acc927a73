// Models whose layers attend to the last tokens only: their caches hold every token all the same, so that a prompt or
// a branch of a tree can be continued from anywhere.

import { join } from 'node:path';
import { defaultModelPath, LLaMa, Model, quantize } from 'autocog-lm';
import t from 'tap';
import { exact } from '../support/forms.js';
import { keyFloat32, keyUint32, readGguf, writeGguf } from '../support/gguf.js';

const window = 16;

/** The default model's weights as Cohere's second architecture, three of whose four layers have a window. */
async function load(): Promise<Model> {
  const folder = t.testdir();
  const plain = join(folder, 'plain.gguf');
  await quantize(defaultModelPath, plain, 'F32');
  const { keyValues, tensors } = readGguf(plain);
  const renamed = [...keyValues].map(([key, bytes]) => {
    if (key === 'general.architecture') {
      const text = (value: string) => [
        Buffer.from([value.length, 0, 0, 0, 0, 0, 0, 0]),
        Buffer.from(value),
      ];
      return Buffer.concat([...text(key), Buffer.from([8, 0, 0, 0]), ...text('cohere2')]);
    }
    if (!key.startsWith('llama.')) return bytes;
    const name = Buffer.from(key.replace('llama', 'cohere2'));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(name.length));
    return Buffer.concat([length, name, bytes.subarray(8 + key.length)]);
  });
  const path = join(folder, 'window.gguf');
  const own = [
    keyFloat32('cohere2.attention.layer_norm_epsilon', 1e-5),
    keyFloat32('cohere2.logit_scale', 1),
    keyUint32('cohere2.attention.sliding_window', window),
  ];
  writeGguf(
    path,
    [...renamed, ...own],
    tensors.filter(({ name }) => !/ffn_norm|^output\.weight/.test(name)),
  );
  return Model.load(path);
}

t.test('a tree scores the same after a search that gave up paths, as does a prompt', async (t) => {
  const model = await load();
  t.equal(model.info.slidingWindow, window);
  const sizes = { contextSize: 4096, ropeFrequencyBase: 10_000, maxSequences: 11 };
  const lm = new LLaMa(model, { ...exact, ...sizes });
  t.teardown(() => Promise.all([lm.close(), model.close()]));
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let task = 0; task < 2; task++) {
    const tokens = (count: number) => Int32Array.from({ length: count }, () => 3 + random(117));
    const prompt = tokens(40);
    const choices = [300, 500, 400].flatMap((length) => {
      const trunk = tokens(length);
      return [trunk, ...Array.from({ length: 6 }, () => trunk.slice(0, 1 + random(length)))];
    });
    const logprobs = async () =>
      (await lm.choose(prompt, choices)).choices.map(({ logprob }) => logprob);
    await lm.clear();
    const expected = await logprobs();
    await lm.clear();
    const { choices: found } = await lm.choose(prompt, choices, { search: 'bound', top: 3 });
    for (const [i, { exact, logprob, tokens }] of found.entries()) {
      const difference = Math.abs(logprob - (expected[i] as number));
      t.ok(!exact || difference < 1e-4 * tokens.length, `task ${task}, ${i}: ${difference}`);
    }
    t.same(await logprobs(), expected, `task ${task}, after the search`);
  }
});
