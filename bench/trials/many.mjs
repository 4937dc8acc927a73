// A thousand choices of four tokens: the tree against one path at a time, the latter measured
// on a sample. Says whether exactly the inner nodes were decoded.

import { PlainError } from '../../scripts/run.mjs';
import { autocogLm } from '../jobs.mjs';
import { prompt } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';

/** How many tokens there are to choose from at each place: 1,000 choices in all. */
const branching = [10, 10, 5, 2];
const sampled = 50;

function makeChoices() {
  let paths = [[]];
  branching.forEach((count, place) => {
    const tokens = Array.from({ length: count }, (_, i) => 1000 * (place + 1) + i);
    paths = paths.flatMap((path) => tokens.map((token) => [...path, token]));
  });
  return paths;
}

export async function many(setup) {
  const choices = makeChoices();
  const sample = choices.filter((_, index) => index % (choices.length / sampled) === 0);
  const { size, childless } = new setup.TokenChoiceTree(choices.map((c) => Int32Array.from(c)));
  const sequential = { prompt, choices: sample, options: { batching: 'sequential' } };
  const results = await measure(
    [
      autocogLm(setup, 'tree', 'tree', { prompt, choices }),
      autocogLm(setup, 'sequential', 'sequential', sequential),
    ],
    { rounds: setup.rounds ?? 3, warmups: 0, repetitions: 1 },
  );
  const { tree, sequential: one } = results;
  const scale = choices.length / sampled;
  printTable(
    `many: ${choices.length} choices of 4 tokens, U ${size}, T ${childless}`,
    ['', 'llama_decode calls', 'decoded', 'ms', 'to the tree'],
    [
      ['tree', tree.facts.decodeCalls, tree.facts.decodedTokens, milliseconds(tree.ms), times(1)],
      [
        `sequential: ${sampled} choices, times ${scale}`,
        one.facts.decodeCalls * scale,
        one.facts.decodedTokens * scale,
        milliseconds(one.ms * scale),
        times(ratio(one, tree) * scale),
      ],
    ],
  );
  const equal = tree.facts.decodedTokens === size - childless;
  console.log(`decoded ${tree.facts.decodedTokens}, U − T ${size - childless}`);
  if (!equal) throw new PlainError('the tree did not decode U − T tokens');
}
