// 216 choices on TfLM, the default model as ONNX: the tree level by level, in batches, compared with
// one path at a time.

import { join } from 'node:path';
import { writeOnnx } from '../../models/write-onnx.mjs';
import { PlainError } from '../../scripts/run.mjs';
import { atLeast, reportGoals } from '../goals.mjs';
import { autocogLmSibling } from '../jobs.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { difference, logprobsOf } from '../values.mjs';

const words = [' cold', ' dark', ' tall', ' old', ' wet', ' big'];
const choices = words.flatMap((a) => words.flatMap((b) => words.map((c) => a + b + c)));
/** With F32 weights, only the order of summation differs. */
const tolerance = 1e-3;

export async function levels(setup) {
  const folder = join(setup.folder, 'onnx');
  writeOnnx(folder);
  const job = { kind: 'TfLM', folder, prompt: 'The opposite of hot is', lists: [choices] };
  const sequential = { ...job, options: { batching: 'sequential' } };
  const results = await measure(
    setup,
    [
      autocogLmSibling(setup, 'tree', 'TfLM choose', job),
      autocogLmSibling(setup, 'sequential', "TfLM choose, batching 'sequential'", sequential),
    ],
    { rounds: setup.rounds ?? 5, warmups: 1, repetitions: 1 },
  );
  const { tree, sequential: one } = results;
  const largest = difference(logprobsOf(one), logprobsOf(tree));
  printTable(
    `levels: ${choices.length} choices of three words, default model, F32`,
    ['', 'forwards', 'decoded', 'median ms', 'vs tree'],
    Object.values(results).map((result) => [
      result.name,
      result.facts.decodeCalls,
      result.facts.decodedTokens,
      milliseconds(result.ms),
      times(ratio(result, tree)),
    ]),
  );
  console.log(`largest difference ${largest.toFixed(6)}, tolerance ${tolerance}`);
  if (!(largest <= tolerance)) throw new PlainError('the contenders do not agree');
  return reportGoals(atLeast('one path at a time vs tree', ratio(one, tree), 10, times));
}
