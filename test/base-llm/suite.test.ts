// The shared suite on the LM of a LocalLLM: it stays the LM that it was.

import { setTimeout as sleep } from 'node:timers/promises';
import { LocalLLM } from 'autocog-lm/base-llm';
import t from 'tap';
import { lmSuite } from '../suite/lm-suite.js';
import { ToyLM } from '../suite/toy-lm.js';

lmSuite(t, {
  make: async () => {
    const llm = new LocalLLM(() => new ToyLM(), { maxTokens: 3, numBeams: 2 });
    await llm.run('One morning, ');
    await sleep(0);
    return (await llm.open()) as ToyLM;
  },
  prompt: 'One morning, ',
  choices: ['the sun', 'the moon', 'a star'],
  tolerance: 1e-9,
});
