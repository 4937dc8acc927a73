// LLaMa: the shared suite with an encoder-decoder. The weights are random.

import { Model } from 'autocog-lm';
import t from 'tap';
import { lmSuite } from '../suite/lm-suite.js';
import { EncoderDecoderLM } from '../support/encoder-decoder.js';
import { exact } from '../support/forms.js';
import { writeT5Model } from '../support/t5-model.js';

const model = await Model.load(writeT5Model(t));
t.teardown(() => model.close());

lmSuite(t, {
  make: () => new EncoderDecoderLM(model, { ...exact, contextSize: 256 }),
  prompt: 'The capital of France is',
  choices: [' Paris', ' London', ' Berlin'],
  tolerance: 1e-3,
  lacks: ['boundaries'],
});
