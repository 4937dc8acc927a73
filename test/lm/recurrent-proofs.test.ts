// Proofs that the scores of recurrent and hybrid models are correct, whose sequences cannot be cut, with
// states for few branches and for many.

import { Model } from 'autocog-lm';
import t from 'tap';
import { exact } from '../support/forms.js';
import { writeRecurrentModel } from '../support/recurrent-model.js';
import { proveHistories, proveRandomSums } from './history-proofs.js';
import { proveInvariance, proveNoMemory, proveSteps } from './invariance.js';
import { proveMany, proveOptions, proveSearch } from './option-proofs.js';
import { proveAgreement, proveByBruteForce, proveSums } from './proofs.js';

/** Observed: 5e-6. */
const bound = 1e-4;

for (const architecture of ['mamba', 'lfm2'] as const) {
  t.test(architecture, async (t) => {
    const model = await Model.load(writeRecurrentModel(t, architecture));
    t.teardown(() => model.close());
    const build = { model, options: exact, bound };
    await t.test('every token agrees with brute force', (t) => proveByBruteForce(t, build));
    await t.test('children sum to their parent', (t) => proveSums(t, build));
    await t.test('C++ and TypeScript agree on every option', (t) => proveAgreement(t, build));
    await t.test('decoding token by token equals one batch', (t) => proveSteps(t, build));
    await t.test('other choices, order and batch sizes change nothing', (t) => {
      return proveInvariance(t, build, 40);
    });
    await t.test('C++ and TypeScript agree on random options', (t) => proveOptions(t, build, 40));
    await t.test('a search finds the exhaustive result', (t) => proveSearch(t, build, 100));
    await t.test('tasks in shared batches give the same results as alone', (t) => {
      return proveMany(t, build, 30);
    });
    await t.test('children sum to their parent at random positions', (t) => {
      return proveRandomSums(t, build, 20);
    });
    await t.test('random histories change nothing', (t) => proveHistories(t, build, 100));
    await t.test('a used context gives the results of a fresh one', (t) => {
      return proveNoMemory(t, build, [1, 8]);
    });
  });
}
