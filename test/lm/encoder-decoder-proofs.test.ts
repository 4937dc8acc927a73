// Proofs that the scores of an encoder-decoder are correct, with weights of single precision and
// with quantized ones.

import t from 'tap';
import { exact, loadForm } from '../support/forms.js';
import { writeT5Model } from '../support/t5-model.js';
import { proveHistories, proveRandomSums } from './history-proofs.js';
import { proveInvariance, proveNoMemory } from './invariance.js';
import { proveMany, proveOptions, proveSearch } from './option-proofs.js';
import { proveAgreement, proveByBruteForce, proveSums } from './proofs.js';

/** The bound of differences, and the share of random runs. */
for (const [type, bound, share] of [
  ['F32', 1e-4, 1],
  ['Q8_0', 2e-1, 0.3],
] as const) {
  t.test(type, async (t) => {
    const model = await loadForm(t, type, writeT5Model(t));
    const build = { model, options: exact, bound };
    const runs = (count: number): number => Math.ceil(count * share);
    await t.test('every token agrees with brute force', (t) => proveByBruteForce(t, build));
    await t.test('children sum to their parent', (t) => proveSums(t, build));
    await t.test('C++ and TypeScript agree on every option', (t) => proveAgreement(t, build));
    await t.test('C++ and TypeScript agree on random options', (t) => {
      return proveOptions(t, build, runs(15));
    });
    await t.test('other choices, order and batch sizes change nothing', (t) => {
      return proveInvariance(t, build, runs(20));
    });
    await t.test('a search finds the exhaustive result', (t) => {
      return proveSearch(t, build, runs(40));
    });
    await t.test('tasks of several prompts give the same results as alone', (t) => {
      return proveMany(t, build, runs(15));
    });
    await t.test('children sum to their parent at random positions', (t) => {
      return proveRandomSums(t, build, runs(10));
    });
    await t.test('random histories change nothing', (t) => proveHistories(t, build, runs(40)));
    await t.test('a used context gives the results of a fresh one', (t) => {
      return proveNoMemory(t, build, [8]);
    });
  });
}
