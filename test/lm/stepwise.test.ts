// The shared suite on a real model's tokenizer and next-token log-probabilities, with everything
// else in TypeScript.

import { LLaMa } from 'autocog-lm';
import t from 'tap';
import { lmSuite } from '../suite/lm-suite.js';
import { exact, loadForm } from '../support/forms.js';
import { StepwiseLM } from '../support/stepwise-lm.js';

const model = await loadForm(t, 'F32');
const lm = new LLaMa(model, { ...exact, contextSize: 256 });
t.teardown(() => lm.close());

lmSuite(t, {
  make: () => new StepwiseLM(lm),
  prompt: 'The capital of France is',
  choices: [' Paris', ' London', ' Berlin'],
  tolerance: 1e-4,
});
