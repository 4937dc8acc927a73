// Sixteen choices after a cached prompt, on a hybrid of attention and recurrence: this package, and the
// bare engine's decode of the same batch.

import { PlainError } from '../../scripts/run.mjs';
import { atMost, reportGoals } from '../goals.mjs';
import { hybridModel } from '../hybrid-model.mjs';
import { autocogLm, bare } from '../jobs.mjs';
import { choices, prompt } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { difference, logprobsOf, tolerance } from '../values.mjs';

export async function hybrid(given) {
  const setup = { ...given, model: hybridModel() };
  const promptTokens = setup.vocabulary.tokenizeSync(prompt);
  const paths = choices.map((choice) => setup.vocabulary.tokenizeSync(choice));
  const shape = new setup.TokenChoiceTree(paths);
  const sequential = { prompt, choices, options: { batching: 'sequential' } };
  const results = await measure(
    setup,
    [
      bare(setup, 'bare', 'bare llama_decode of the tree', promptTokens, shape),
      autocogLm(setup, 'tree', 'autocog-lm choose', { prompt, choices }),
      autocogLm(setup, 'sequential', "autocog-lm choose, batching 'sequential'", sequential),
    ],
    { rounds: setup.rounds ?? 7, warmups: 1, repetitions: 3 },
  );
  const rows = Object.values(results).map((result) => {
    const { name, facts, ms, cpuMs } = result;
    return [
      name,
      facts.decodedTokens,
      milliseconds(ms),
      milliseconds(cpuMs),
      times(ratio(result, results.bare)),
    ];
  });
  printTable(
    `hybrid: ${choices.length} choices (U ${shape.size}, T ${shape.childless}) after ${promptTokens.length} cached`,
    ['', 'decoded', 'median ms', 'CPU ms', 'vs bare'],
    rows,
  );
  const largest = difference(logprobsOf(results.sequential), logprobsOf(results.tree));
  console.log(`largest difference from 'sequential' ${largest.toFixed(4)}, tolerance ${tolerance}`);
  if (!(largest <= tolerance)) throw new PlainError('the contenders do not agree');
  return reportGoals(atMost('ours vs bare', ratio(results.tree, results.bare), 1.15, times));
}
