// States of contexts in use, where the cells of a prompt are anywhere in the buffer.

import { join } from 'node:path';
import { defaultModelPath, LLaMa, quantize } from 'autocog-lm';
import t from 'tap';
import { exact } from '../support/forms.js';
import { randomBelow } from './states.js';

t.test('a state is saved at any moment, and is that of the prompt', async (t) => {
  const folder = t.testdir();
  const options = { ...exact, contextSize: 96, maxSequences: 8 };
  const path = join(folder, 'F32.gguf');
  await quantize(defaultModelPath, path, 'F32');
  await using lm = await LLaMa.load(path, options);
  await using other = await LLaMa.load(path, options);
  const random = randomBelow(5);
  for (let round = 0; round < 60; round++) {
    const length = 5 + random(80);
    const prompt = Int32Array.from({ length }, () => 300 + random(60));
    await lm.complete(prompt, { maxTokens: 1 + random(10) });
    const state = join(folder, 'any.state');
    const { tokens } = await lm.saveState(state, round % 2 === 0 ? prompt : undefined);
    const { tokens: loaded } = await other.loadState(state);
    t.same(loaded, tokens);
    // One more token is decoded after the restored cells.
    const longer = Int32Array.of(...tokens.subarray(0, 90), 301);
    const [expected, actual] = [await lm.greedy(longer), await other.greedy(longer)];
    const worst = expected.reduce(
      (max, value, index) => Math.max(max, Math.abs(value - (actual[index] as number))),
      0,
    );
    t.ok(worst < 1e-4, `round ${round}: ${worst}`);
  }
});
