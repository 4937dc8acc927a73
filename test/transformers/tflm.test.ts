// TfLM: the shared suite on Hugging Face Transformers, with every data type of weights, and
// without a past.

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
const withoutPast = join(folder, 'without-past');
writeOnnx(withoutPast, { past: false });

const prompt = 'The capital of France is';
const choices = [' Paris', ' London', ' Berlin'] as const;
const options = { threads: 1 } as const;
const make = (more: TfLMLoadOptions = {}, from = path) => TfLM.load(from, { ...options, ...more });

// The tolerance for how much a token's log-probability depends on how its prefix was batched.
// Half-precision keys and values are rounded at the end of each forward pass; with 8-bit weights
// ONNX Runtime also quantizes activations, which amplifies rounding differences.
for (const [what, tolerance, more, from] of [
  ['with F32 weights', 1e-4, {}, path],
  ['with half-precision weights', 5e-2, { dtype: 'fp16' }, path],
  ['with 8-bit weights', 3e-1, { dtype: 'q8' }, path],
  ['without a past', 1e-4, {}, withoutPast],
  ['one row and three tokens at a time', 1e-4, { batchRows: 1, batchSize: 3 }, path],
] as const) {
  t.test(what, async (t) => {
    lmSuite(t, { make: () => make(more, from), prompt, choices, tolerance });
  });
}
