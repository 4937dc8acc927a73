// OpenAI: the shared suite over `autocog-lm serve`, which echoes, so that every number is exact.
// The reference is LLaMa in process with the same file.

import { LLaMa } from 'autocog-lm';
import { OpenAI } from 'autocog-lm/openai';
import { serve } from 'autocog-lm/serve';
import t from 'tap';
import { lmSuite } from '../suite/lm-suite.js';
import { exact, loadForm } from '../support/forms.js';
import { heldTo } from '../support/held-to.js';

for (const [form, tolerance] of [
  ['F32', 1e-3],
  // How much a token's log-probability depends on the preceding batches: see llama.test.ts.
  ['Q8_0', 6e-1],
] as const) {
  t.test(`with ${form} weights`, async (t) => {
    const model = await loadForm(t, form);
    const truth = new LLaMa(model, { ...exact, contextSize: 256 });
    const served = new LLaMa(model, { ...exact, contextSize: 256 });
    const server = await serve(served, { port: 0, alias: 'served' });
    t.teardown(async () => {
      await server.abort();
      await Promise.all([truth.close(), served.close()]);
    });
    lmSuite(t, {
      make: () => {
        const lm = new OpenAI({
          model: 'served',
          baseURL: `${server.url}/v1`,
          endOfGeneration: truth.endOfGeneration,
          beginToken: truth.beginToken,
        });
        return heldTo(lm, truth);
      },
      prompt: 'The capital of France is',
      choices: [' Paris', ' London', ' Berlin'],
      tolerance,
      lacks: [
        'greedy',
        'beamSearch',
        'evaluate',
        'decide',
        'completeMany',
        'details',
        'search',
        'allAlternatives',
      ],
    });
  });
}
