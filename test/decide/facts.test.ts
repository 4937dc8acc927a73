// The default model answers its own facts. It has never seen labels: by that method it guesses.

import { type BooleanAnswer, type ChoiceAnswer, defaultModelPath, LLaMa } from 'autocog-lm';
import t from 'tap';
import { heldOutDecisions } from '../../models/questions.mjs';
import { oneThread } from '../support/forms.js';

const lm = await LLaMa.load(defaultModelPath, oneThread);
t.teardown(() => lm.close());

for (const template of [undefined, false] as const) {
  const name = template === false ? 'as plain text' : 'under its chat template';
  t.test(`${name} it answers at least 95% of 200 held-out questions correctly`, async (t) => {
    const right: Record<string, number> = {};
    for (const { category, state, question, answer } of heldOutDecisions(1, 200)) {
      const { answers } = await lm.decide(state, { q: question }, { template });
      const found = answers.q as ChoiceAnswer | BooleanAnswer;
      const chosen =
        found.type === 'choice' ? found.choice : found.probability > 0.5 ? 'Yes' : 'No';
      right[category] = (right[category] ?? 0) + Number(chosen === answer);
    }
    for (const [category, count] of Object.entries(right)) t.comment(`${category}: ${count} of 25`);
    const total = Object.values(right).reduce((sum, count) => sum + count, 0);
    t.ok(total >= 190, `${total} of 200`);
    t.equal(Object.keys(right).length, 8);
  });
}
