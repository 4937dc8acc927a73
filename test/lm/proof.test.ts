// Proofs that scores are correct, with unrounded weights and caches: brute force, the laws of
// probability, and invariance.

import t from 'tap';
import { exact, loadForm } from '../support/forms.js';
import { proveHistories, proveRandomSums } from './history-proofs.js';
import { proveInvariance, proveNoMemory, proveSteps } from './invariance.js';
import { proveMany, proveOptions, proveSearch } from './option-proofs.js';
import { proveAgreement, proveByBruteForce, proveSums } from './proofs.js';

/** Observed: 1.4e-5, at log-probabilities of −20. */
const bound = 1e-4;
const model = await loadForm(t, 'F32');
const build = { model, options: exact, bound };

t.test('every token agrees with brute force', (t) => proveByBruteForce(t, build));
t.test('children sum to their parent', (t) => proveSums(t, build));
t.test('C++ and TypeScript agree on every option', (t) => proveAgreement(t, build));
t.test('decoding token by token equals one batch', (t) => proveSteps(t, build));
t.test('other choices, order and batch sizes change nothing', (t) => {
  return proveInvariance(t, build, 60);
});
t.test('C++ and TypeScript agree on random options', (t) => proveOptions(t, build, 40));
t.test('a search finds the exhaustive result', (t) => proveSearch(t, build, 150));
t.test('tasks in shared batches give the same results as alone', (t) => proveMany(t, build, 40));
t.test('children sum to their parent at random positions', (t) => proveRandomSums(t, build, 30));
t.test('random histories change nothing', (t) => proveHistories(t, build, 150));
t.test('a used context gives the results of a fresh one', (t) => proveNoMemory(t, build, [1, 8]));
