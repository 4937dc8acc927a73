// Eight texts at once against one after another, nothing being cached. They must be the same, but
// for ties: a batch of eight is computed by other kernels than a single token.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, tell } from '../goals.mjs';
import { autocogLmWriting } from '../jobs.mjs';
import { openings } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { partings, tolerance } from '../values.mjs';

const maxTokens = 64;

export async function together(setup) {
  const job = { prompts: openings, options: { maxTokens } };
  const contender = (way, more) => {
    return autocogLmWriting(setup, way, `autocog-lm ${way}`, { ...job, way, ...more });
  };
  const results = await measure(
    setup,
    [contender('complete', { tellsRivals: true }), contender('completeMany')],
    { rounds: setup.rounds ?? 3, warmups: 0, repetitions: 1 },
  );
  const { complete, completeMany } = results;
  const wanted = openings.length * maxTokens;
  const countOf = ({ facts }) => facts.texts.reduce((sum, { tokens }) => sum + tokens.length, 0);
  for (const result of Object.values(results)) {
    const count = countOf(result);
    if (count !== wanted) throw new PlainError(`${result.name}: ${count} tokens, not ${wanted}`);
  }
  const promptTokens = complete.facts.texts.map(({ usage }) => usage.promptTokens);
  printTable(
    `together: ${openings.length} prompts of ${Math.min(...promptTokens)} to ` +
      `${Math.max(...promptTokens)} tokens, ${maxTokens} after each, ${setup.threads} threads`,
    ['', 'median ms', 'CPU ms', 'tokens per second', 'to one after another'],
    Object.values(results).map((result) => [
      result.name,
      milliseconds(result.ms),
      milliseconds(result.cpuMs),
      ((wanted / result.ms) * 1000).toFixed(1),
      times(ratio(complete, result)),
    ]),
  );
  const { texts, rivals } = complete.facts;
  const { same, most } = partings(texts, rivals, completeMany.facts.texts);
  console.log(
    `${same} of ${texts.length} texts are the same; where others part, complete thought its ` +
      `token likelier by ${most.toFixed(4)} at most, tolerance ${tolerance}`,
  );
  if (!(most <= tolerance)) throw new PlainError('completeMany does not write what complete does');
  return tell(atLeast('completeMany, to complete', ratio(complete, completeMany), 2.5, times));
}
