// Scores with quantized weights: the same proofs as with F32, within measured bounds. The kernels
// round activations to the weights' precision, so that a difference in the last digits of a sum,
// which depends on the layout of its KV cells, occasionally becomes a whole quantization step.

import t from 'tap';
import { loadForm, oneThread } from '../support/forms.js';
import { proveHistories, proveRandomSums } from './history-proofs.js';
import { proveInvariance, proveNoMemory, proveSteps } from './invariance.js';
import { proveMany, proveOptions, proveSearch } from './option-proofs.js';
import { proveAgreement, proveByBruteForce, proveSums } from './proofs.js';

/**
 * Per type: about three times the largest observed error of 7,000 values in sessions with a history
 * (prefixes of one prompt that compete for three slots), which was 8e-3, 1.8e-1 and 1.1e-1.
 */
const bounds = [
  ['F16', 2e-2],
  ['Q8_0', 6e-1],
  ['Q4_0', 4e-1],
] as const;

for (const [type, bound] of bounds) {
  t.test(`with ${type} weights`, async (t) => {
    const build = { model: await loadForm(t, type), options: oneThread, bound };
    await t.test('every token agrees with brute force', (t) => proveByBruteForce(t, build));
    await t.test('children sum to their parent', (t) => proveSums(t, build));
    await t.test('C++ and TypeScript agree on every option', (t) => proveAgreement(t, build));
    await t.test('decoding token by token equals one batch', (t) => proveSteps(t, build));
    await t.test('other choices, order and sizes', (t) => proveInvariance(t, build, 15));
    await t.test('random options', (t) => proveOptions(t, build, 15));
    await t.test('a search', (t) => proveSearch(t, build, 40));
    await t.test('tasks in shared batches', (t) => proveMany(t, build, 15));
    await t.test('sums at random positions', (t) => proveRandomSums(t, build, 10));
    await t.test('random histories', (t) => proveHistories(t, build, 50));
    await t.test('earlier calls', (t) => proveNoMemory(t, build, [8]));
  });
}
