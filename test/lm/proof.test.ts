// What proves that scores are right, on weights and caches that are rounded nowhere: brute
// force, the laws of probability, and that nothing changes what must not matter.

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
t.test('children add up to their parent', (t) => proveSums(t, build));
t.test('C++ and TypeScript agree on every option', (t) => proveAgreement(t, build));
t.test('one token at a time is as all at once', (t) => proveSteps(t, build));
t.test('company, order, waves and sizes change nothing', (t) => proveInvariance(t, build, 60));
t.test('C++ and TypeScript agree on random options', (t) => proveOptions(t, build, 40));
t.test('a search finds what scoring everything finds', (t) => proveSearch(t, build, 150));
t.test('tasks in shared batches give what each gives alone', (t) => proveMany(t, build, 40));
t.test('children add up to their parent, anywhere', (t) => proveRandomSums(t, build, 30));
t.test('random histories change nothing', (t) => proveHistories(t, build, 150));
t.test('a context answers as a fresh one, whatever it did before', (t) =>
  proveNoMemory(t, build, [1, 8]),
);
