// LLaMa: the shared suite with a SentencePiece tokenizer, Llama 2's, which puts a space in front of
// every text. The weights are random.

import { LLaMa, Model } from 'autocog-lm';
import t from 'tap';
import { lmSuite } from '../suite/lm-suite.js';
import { exact } from '../support/forms.js';
import { writeVocabularyModel } from '../support/vocabulary-model.js';

const model = await Model.load(await writeVocabularyModel(t, 'llama-spm'));
t.teardown(() => model.close());

lmSuite(t, {
  make: () => new LLaMa(model, { ...exact, contextSize: 256 }),
  prompt: 'The capital of France is',
  choices: [' Paris', ' London', ' Berlin'],
  tolerance: 1e-3,
});
