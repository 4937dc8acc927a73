// Ten thousand choices of which the best are wanted: search by bounds against all of the tree,
// on the default model, which has an opinion. What the search says is held against all of it.

import { PlainError } from '../../scripts/run.mjs';
import { atMost, tell } from '../goals.mjs';
import { autocogLm } from '../jobs.mjs';
import { opposites } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';

/** By which a choice's log-probability may differ: F16 weights, and other batches. */
const tolerance = 0.05;

/** That of a probability, all told. */
const slack = 0.01;

const ranked = ({ facts }) => [...facts.choices].sort((a, b) => a.rank - b.rank);

const intervalOf = ({ interval, probability }) => interval ?? [probability, probability];

/** What is wrong with the result of a search, if anything is. */
function faultOf(search, all, { top, width }) {
  if (search.facts.index !== all.facts.index) return 'another winner';
  const best = ranked(all);
  for (const [place, { logprob, exact }] of ranked(search).slice(0, top).entries()) {
    if (!exact) return `rank ${place + 1} is not exact`;
    if (Math.abs(logprob - best[place].logprob) > tolerance) return `another rank ${place + 1}`;
  }
  for (const [index, choice] of search.facts.choices.entries()) {
    const [low, high] = intervalOf(choice);
    const { probability } = all.facts.choices[index];
    if (probability < low - slack || probability > high + slack) {
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
    ['', 'llama_decode calls', 'decoded', 'of all', 'median ms', 'to all'],
    Object.values(results).map((result) => [
      result.name,
      result.facts.decodeCalls,
      result.facts.decodedTokens,
      percent(share(result)),
      milliseconds(result.ms),
      times(ratio(result, all)),
    ]),
  );
  const promised = {
    one: { top: 1, width: 1 },
    ten: { top: 10, width: 1 },
    narrow: { top: 0, width: 0.01 },
  };
  for (const [key, promise] of Object.entries(promised)) {
    const fault = faultOf(results[key], all, promise);
    if (fault) throw new PlainError(`${results[key].name}: ${fault}`);
  }
  return tell(atMost('decoded for top 1, of all', share(results.one), 5, percent));
}
