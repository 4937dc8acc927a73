// The embedded model: its size, and its accuracy on the facts that it was trained on, with the
// shipped weights and with others quantized from them.

import { statSync } from 'node:fs';
import { defaultModelPath, LLaMa } from 'autocog-lm';
import t from 'tap';
import { heldOutQuestions } from '../../models/questions.mjs';
import { loadForm, oneThread } from '../support/forms.js';

t.test('it takes at most 1.5 MB of the package', async (t) => {
  t.ok(statSync(defaultModelPath).size <= 1_500_000);
});

t.test('it has the metadata that a chat needs', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, oneThread);
  t.match(lm.model.info.chatTemplate ?? '', /<\|im_start\|>/);
  t.type(lm.model.vocab.bos, 'number');
  t.type(lm.model.vocab.eot, 'number');
  t.equal(lm.model.info.trainContextSize, 512);
});

for (const weights of ['F16', 'F32', 'Q8_0']) {
  t.test(`in ${weights} it answers at least 90% of 200 held-out questions correctly`, async (t) => {
    await using lm = new LLaMa(await loadForm(t, weights), oneThread);
    const right: Record<string, number> = {};
    const asked: Record<string, number> = {};
    for (const { category, prompt, choices, answer } of heldOutQuestions(1, 200)) {
      const { index } = await lm.choose(prompt, choices);
      asked[category] = (asked[category] ?? 0) + 1;
      right[category] = (right[category] ?? 0) + (index === answer ? 1 : 0);
    }
    for (const [category, count] of Object.entries(asked)) {
      t.comment(`${category}: ${right[category]} of ${count}`);
    }
    const sum = (counts: Record<string, number>) =>
      Object.values(counts).reduce((total, count) => total + count, 0);
    t.equal(sum(asked), 200);
    t.ok(sum(right) >= 180, `${sum(right)} of 200`);
  });
}
