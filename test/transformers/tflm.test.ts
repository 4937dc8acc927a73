// TfLM: the shared suite on Hugging Face Transformers, with every kind of weights and without a
// past, and what only this LM has.

import { join } from 'node:path';
import { TfLM, type TfLMLoadOptions } from 'autocog-lm/transformers';
import t from 'tap';
import { writeOnnx } from '../../models/write-onnx.mjs';
import { lmSuite } from '../suite/lm-suite.js';

const folder = t.testdir();
const path = join(folder, 'model');
writeOnnx(path);
writeOnnx(path, { dtype: 'fp16' });
writeOnnx(path, { dtype: 'q8' });
const forgetful = join(folder, 'forgetful');
writeOnnx(forgetful, { past: false });

const prompt = 'The capital of France is';
const choices = [' Paris', ' London', ' Berlin'] as const;
const options = { threads: 1 } as const;
const make = (more: TfLMLoadOptions = {}, from = path) => TfLM.load(from, { ...options, ...more });

// How far a token's log-probability moves with what was decoded before, at most. Keys and values
// of half precision are rounded wherever a forward ends; with weights of eight bits, ONNX Runtime
// rounds activations, too, so that the last digits of one number grow in the next.
for (const [what, tolerance, more, from] of [
  ['with F32 weights', 1e-4, {}, path],
  ['with weights of half precision', 5e-2, { dtype: 'fp16' }, path],
  ['with weights of eight bits', 3e-1, { dtype: 'q8' }, path],
  ['without a past', 1e-4, {}, forgetful],
  ['one row and three tokens at a time', 1e-4, { batchRows: 1, batchSize: 3 }, path],
] as const) {
  t.test(what, async (t) => {
    lmSuite(t, { make: () => make(more, from), prompt, choices, tolerance });
  });
}
