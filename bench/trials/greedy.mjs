// All next-token log-probabilities after one token that is not cached, compared with the bare
// engine's decode of that token, padded to two tokens as the package does.

import { atMost, reportGoals } from '../goals.mjs';
import { autocogLm, bare } from '../jobs.mjs';
import { prompt } from '../material.mjs';
import { excess, measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';

export async function greedy(setup) {
  const promptTokens = setup.vocabulary.tokenizeSync(prompt);
  // A different token in each run, so that none is cached.
  const next = Array.from({ length: 1000 }, (_, i) => 1000 + i);
  const tree = new setup.TokenChoiceTree([Int32Array.of(next[0], 0)]);
  const results = await measure(
    setup,
    [
      bare(setup, 'bare', 'bare llama_decode of two tokens', promptTokens, tree),
      autocogLm(setup, 'greedy', 'autocog-lm greedy', { prompt: [...promptTokens], next }),
    ],
    { rounds: setup.rounds ?? 7, warmups: 2, repetitions: 10 },
  );
  const signed = (ms) => `${ms < 0 ? '−' : '+'}${Math.abs(ms).toFixed(2)} ms`;
  const more = (result) => excess(result, results.bare);
  printTable(
    `greedy: one token after ${promptTokens.length} cached, ${setup.vocabulary.vocab.size} log-probabilities`,
    ['', 'median ms', 'CPU ms', 'vs bare', 'difference to bare'],
    Object.values(results).map((result) => [
      result.name,
      milliseconds(result.ms),
      milliseconds(result.cpuMs),
      times(ratio(result, results.bare)),
      signed(more(result)),
    ]),
  );
  return reportGoals(atMost('greedy, difference to bare', more(results.greedy), 1, signed));
}
