// The best of ten thousand choices: branch and bound compared with exhaustive search, on the default
// model, whose distribution is peaked. The search's results are checked against the exhaustive ones.

import { PlainError } from '../../scripts/run.mjs';
import { atMost, reportGoals } from '../goals.mjs';
import { autocogLm } from '../jobs.mjs';
import { opposites } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';

/** Maximum difference of a choice's log-probability: F16 weights, and different batches. */
const tolerance = 0.05;

/** Maximum difference of a probability. */
const probabilityTolerance = 0.01;

const ranked = ({ facts }) => [...facts.choices].sort((a, b) => a.rank - b.rank);

const intervalOf = ({ interval, probability }) => interval ?? [probability, probability];

/** Describes what is wrong with the result of a search; undefined if it is correct. */
function faultOf(search, all, { top, width }) {
  if (search.facts.index !== all.facts.index) return 'different winner';
  const best = ranked(all);
  for (const [index, { logprob, exact }] of ranked(search).slice(0, top).entries()) {
    if (!exact) return `rank ${index + 1} is not exact`;
    if (Math.abs(logprob - best[index].logprob) > tolerance) return `different rank ${index + 1}`;
  }
  for (const [index, choice] of search.facts.choices.entries()) {
    const [low, high] = intervalOf(choice);
    const { probability } = all.facts.choices[index];
    if (probability < low - probabilityTolerance || probability > high + probabilityTolerance) {
      return `${probability} is outside of ${low} … ${high}`;
    }
    if (high - low > width) return `${low} … ${high} is wider than ${width}`;
  }
  return undefined;
}

export async function search(setup) {
  const { prompt, choices } = opposites;
  const model = setup.defaultModel;
  const job = (options) => ({ model, prompt, choices, options });
  const bound = (options) => job({ search: 'bound', ...options });
  const results = await measure(
    setup,
    [
      autocogLm(setup, 'all', "search 'exhaustive'", job({ search: 'exhaustive' })),
      autocogLm(setup, 'one', "search 'bound', top 1", bound({ top: 1 })),
      autocogLm(setup, 'ten', "search 'bound', top 10", bound({ top: 10 })),
      autocogLm(setup, 'narrow', "search 'bound', tolerance 0.01", bound({ tolerance: 0.01 })),
    ],
    { rounds: setup.rounds ?? 3, warmups: 0, repetitions: 1 },
  );
  const { all } = results;
  const share = (result) => (100 * result.facts.decodedTokens) / all.facts.decodedTokens;
  const percent = (value) => `${value.toFixed(2)} %`;
  printTable(
    `search: ${choices.length} choices such as "${prompt}${choices[all.facts.index]}", default model`,
    ['', 'llama_decode calls', 'decoded', 'share', 'median ms', 'vs exhaustive'],
    Object.values(results).map((result) => [
      result.name,
      result.facts.decodeCalls,
      result.facts.decodedTokens,
      percent(share(result)),
      milliseconds(result.ms),
      times(ratio(result, all)),
    ]),
  );
  const guarantees = {
    one: { top: 1, width: 1 },
    ten: { top: 10, width: 1 },
    narrow: { top: 0, width: 0.01 },
  };
  for (const [key, limits] of Object.entries(guarantees)) {
    const fault = faultOf(results[key], all, limits);
    if (fault) throw new PlainError(`${results[key].name}: ${fault}`);
  }
  return reportGoals(atMost('decoded for top 1, share of all', share(results.one), 5, percent));
}
