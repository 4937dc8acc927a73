// Eight completions at once compared with one after another, with an empty cache. They must be equal
// except for near ties: a batch of eight is computed by other kernels than a single token.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, reportGoals } from '../goals.mjs';
import { autocogLmGeneration } from '../jobs.mjs';
import { openings } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { divergences, tolerance } from '../values.mjs';

const maxTokens = 64;

export async function together(setup) {
  const job = { prompts: openings, options: { maxTokens } };
  const contender = (method, options) => {
    return autocogLmGeneration(setup, method, `autocog-lm ${method}`, {
      ...job,
      method,
      ...options,
    });
  };
  const results = await measure(
    setup,
    [contender('complete', { reportsAlternatives: true }), contender('completeMany')],
    { rounds: setup.rounds ?? 3, warmups: 0, repetitions: 1 },
  );
  const { complete, completeMany } = results;
  const expected = openings.length * maxTokens;
  const countOf = ({ facts }) => facts.texts.reduce((sum, { tokens }) => sum + tokens.length, 0);
  for (const result of Object.values(results)) {
    const count = countOf(result);
    if (count !== expected)
      throw new PlainError(`${result.name}: ${count} tokens instead of ${expected}`);
  }
  const promptTokens = complete.facts.texts.map(({ usage }) => usage.promptTokens);
  printTable(
    `together: ${openings.length} prompts of ${Math.min(...promptTokens)} to ` +
      `${Math.max(...promptTokens)} tokens, ${maxTokens} after each, ${setup.threads} threads`,
    ['', 'median ms', 'CPU ms', 'tokens per second', 'vs one after another'],
    Object.values(results).map((result) => [
      result.name,
      milliseconds(result.ms),
      milliseconds(result.cpuMs),
      ((expected / result.ms) * 1000).toFixed(1),
      times(ratio(complete, result)),
    ]),
  );
  const { texts, alternatives } = complete.facts;
  const { same, max } = divergences(texts, alternatives, completeMany.facts.texts);
  console.log(
    `${same} of ${texts.length} completions are equal; in the others, complete's token is more ` +
      `likely by at most ${max.toFixed(4)}, tolerance ${tolerance}`,
  );
  if (!(max <= tolerance))
    throw new PlainError('completeMany and complete generate different text');
  return reportGoals(
    atLeast('completeMany vs complete', ratio(complete, completeMany), 2.5, times),
  );
}
