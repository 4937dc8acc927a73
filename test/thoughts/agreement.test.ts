// The native search and the one in TypeScript find the same thoughts, for random automata.

import { join } from 'node:path';
import { Automaton, defaultModelPath, LLaMa, type LLaMaOptions, Model, quantize } from 'autocog-lm';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { exact } from '../support/forms.js';
import { difference, randomAutomaton } from '../support/random-automaton.js';
import { writeRecurrentModel } from '../support/recurrent-model.js';
import { StepwiseLM } from '../support/stepwise-lm.js';

interface Agreement {
  path: string;
  options: LLaMaOptions;
  tolerance: number;
  runs: number;
}

async function prove(t: Test, { path, options, tolerance, runs }: Agreement): Promise<void> {
  const model = await Model.load(path);
  t.teardown(() => model.close());
  await using native = new LLaMa(model, options);
  await using reference = new LLaMa(model, exact);
  const stepwise = new StepwiseLM(reference);
  let ties = 0;
  const limits = fc.record({
    maxThoughts: fc.constantFrom(undefined, undefined, 4),
    stopAfter: fc.constantFrom(undefined, undefined, 1),
    maxTokens: fc.constantFrom(undefined, undefined, 20),
  });
  const property = fc.asyncProperty(randomAutomaton, limits, async (json, limits) => {
    const automaton = Automaton.fromJSON(json);
    const found = await native.evaluate(automaton, limits);
    const expected = await stepwise.evaluate(automaton, limits);
    const differs = difference(found, expected, tolerance);
    if (differs.startsWith('tie: ')) ties++;
    else if (differs !== '') throw new Error(differs);
  });
  await fc.assert(property, { numRuns: runs, seed: 7 });
  t.ok(ties <= runs / 10, `${ties} of ${runs} differ only in the order of ties`);
}

t.test('the default model in F32', async (t) => {
  const path = join(t.testdir(), 'f32.gguf');
  await quantize(defaultModelPath, path, 'F32');
  // Observed: 2e-6.
  await prove(t, { path, options: exact, tolerance: 1e-4, runs: 150 });
  await t.test('with few sequences, so that thoughts are evicted', (t) => {
    const options = { ...exact, maxSequences: 7, promptSlots: 2 };
    return prove(t, { path, options, tolerance: 1e-4, runs: 60 });
  });
});

t.test('the default model as it is, quantized', (t) => {
  return prove(t, { path: defaultModelPath, options: exact, tolerance: 0.03, runs: 60 });
});

for (const architecture of ['mamba', 'lfm2'] as const) {
  t.test(`recurrent: ${architecture}`, async (t) => {
    const path = writeRecurrentModel(t, architecture);
    await prove(t, { path, options: exact, tolerance: 1e-4, runs: 60 });
    await t.test('with few states', (t) => {
      const options = { ...exact, maxSequences: 5, promptSlots: 2 };
      return prove(t, { path, options, tolerance: 1e-4, runs: 30 });
    });
  });
}
