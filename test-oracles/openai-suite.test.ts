// OpenAI: the shared suite over llama.cpp's own server, which reports the top next tokens. With a
// small vocabulary these are all tokens, so every number is exact. The reference is LLaMa in
// process.

import { LLaMa } from 'autocog-lm';
import { OpenAI } from 'autocog-lm/openai';
import t from 'tap';
import { lmSuite } from '../test/suite/lm-suite.js';
import { exact, loadForm } from '../test/support/forms.js';
import { heldTo } from '../test/support/held-to.js';
import { Server } from './support/server.js';

// Other weight types are tested in openai-choose.test.ts and in test/openai/suite.test.ts, as this
// server is slow at reporting a whole vocabulary.
const model = await loadForm(t, 'F32');
const truth = new LLaMa(model, { ...exact, contextSize: 256 });
const server = await Server.start(model.info.path, 256);
t.teardown(() => Promise.all([truth.close(), server[Symbol.asyncDispose]()]));

lmSuite(t, {
  make: () => {
    const lm = new OpenAI({
      model: 'served',
      baseURL: `${server.address}/v1`,
      endOfGeneration: truth.endOfGeneration,
      beginToken: truth.beginToken,
      contextSize: 256,
      topLogprobsLimit: model.vocab.size,
    });
    return heldTo(lm, truth, ['score']);
  },
  prompt: 'The capital of France is',
  choices: [' Paris', ' London', ' Berlin'],
  tolerance: 1e-3,
  lacks: ['greedy', 'score', 'beamSearch', 'completeMany', 'details'],
});
