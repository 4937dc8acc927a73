// Sixteen choices over HTTP: the OpenAI class, using echo, with `serve` in the same process, compared
// with the same choose in process. One request per path shows what a single request for all saves.
// Each run has different choices, since the server caches scores.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, atMost, reportGoals } from '../goals.mjs';
import { autocogLmSibling } from '../jobs.mjs';
import { choices, prompt } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { difference, logprobsOf, tolerance } from '../values.mjs';

const lists = Array.from({ length: 32 }, (_, run) => choices.map((text) => `${text} ${run + 10}`));

export async function served(setup) {
  const local = { kind: 'LLaMa', prompt, lists };
  const job = { kind: 'OpenAI', prompt, lists };
  const apart = { ...job, options: { batching: 'sequential' } };
  const results = await measure(
    setup,
    [
      autocogLmSibling(setup, 'inProcess', 'LLaMa choose, in process', local),
      autocogLmSibling(setup, 'together', 'OpenAI choose, one request', job),
      autocogLmSibling(setup, 'apart', 'OpenAI choose, a request per path', apart),
    ],
    { rounds: setup.rounds ?? 7, warmups: 1, repetitions: 3 },
  );
  const { inProcess, together, apart: one } = results;
  const differs = (result) => difference(logprobsOf(result), logprobsOf(inProcess));
  printTable(
    `served: ${choices.length} choices after ${inProcess.facts.promptTokens} cached tokens`,
    ['', 'requests or decodes', 'median ms', 'vs in process', 'largest Δ logprob'],
    Object.values(results).map((result) => [
      result.name,
      result.facts.decodeCalls,
      milliseconds(result.ms),
      times(ratio(result, inProcess)),
      differs(result).toFixed(4),
    ]),
  );
  if (!(Math.max(differs(together), differs(one)) <= tolerance)) {
    throw new PlainError('the contenders do not agree');
  }
  return reportGoals(
    atMost('one request vs in process', ratio(together, inProcess), 1.5, times),
    atLeast('a request per path vs one request', ratio(one, together), 1.5, times),
  );
}
