// LLaMa: the shared suite with a recurrent and a hybrid model, whose sequences cannot be cut. The
// weights are random.

import { LLaMa, Model } from 'autocog-lm';
import t from 'tap';
import { lmSuite } from '../suite/lm-suite.js';
import { exact } from '../support/forms.js';
import { writeRecurrentModel } from '../support/recurrent-model.js';

for (const architecture of ['mamba', 'lfm2'] as const) {
  t.test(architecture, async (t) => {
    const model = await Model.load(writeRecurrentModel(t, architecture));
    t.teardown(() => model.close());
    lmSuite(t, {
      make: () => new LLaMa(model, { ...exact, contextSize: 256 }),
      prompt: 'The capital of France is',
      choices: [' Paris', ' London', ' Berlin'],
      tolerance: 1e-3,
    });
  });
}
