// Sixteen choices after a cached prompt: this package, node-llama-cpp, and the bare engine's decode
// of the same batch. Every value of node-llama-cpp is compared with ours.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, atMost, reportGoals } from '../goals.mjs';
import { autocogLm, bare, nodeLlamaCpp } from '../jobs.mjs';
import { choices, prompt } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { difference, logprobsOf, tolerance } from '../values.mjs';

export async function tree(setup) {
  const promptTokens = setup.vocabulary.tokenizeSync(prompt);
  const paths = choices.map((choice) => setup.vocabulary.tokenizeSync(choice));
  const shape = new setup.TokenChoiceTree(paths);
  const sequential = { prompt, choices, options: { batching: 'sequential' } };
  const peer = (key, name) => nodeLlamaCpp(setup, key, name, promptTokens, shape, key);
  const results = await measure(
    setup,
    [
      bare(setup, 'bare', 'bare llama_decode of the tree', promptTokens, shape),
      autocogLm(setup, 'tree', 'autocog-lm choose', { prompt, choices }),
      autocogLm(setup, 'sequential', "autocog-lm choose, batching 'sequential'", sequential),
      ...(setup.peers === undefined
        ? []
        : [
            peer('perChoice', 'node-llama-cpp, a call per choice'),
            peer('depthFirst', 'node-llama-cpp, each inner token once'),
            peer('parallel', 'node-llama-cpp, a sequence with the prompt per path'),
          ]),
    ],
    { rounds: setup.rounds ?? 7, warmups: 1, repetitions: 3 },
  );

  const ours = results.tree;
  const values = logprobsOf(ours);
  const differs = (result) => difference(logprobsOf(result), values);
  const rows = Object.values(results).map((result) => {
    const { name, facts, ms, cpuMs } = result;
    return [
      name,
      facts.calls,
      facts.decodedTokens,
      milliseconds(ms),
      milliseconds(cpuMs),
      times(ratio(result, results.bare)),
      times(ratio(result, ours)),
      result === results.bare ? '' : differs(result).toFixed(4),
    ];
  });
  const tokens = paths.reduce((sum, path) => sum + path.length, 0);
  printTable(
    `tree: ${choices.length} choices of ${tokens} tokens (U ${shape.size}, T ${shape.childless}) ` +
      `after ${promptTokens.length} cached` +
      (setup.peers === undefined ? '' : `; node-llama-cpp on ${results.perChoice.facts.release}`),
    ['', 'calls', 'decoded', 'median ms', 'CPU ms', 'vs bare', 'vs ours', 'largest Δ logprob'],
    rows,
  );
  const bound = atMost('ours vs bare', ratio(ours, results.bare), 1.15, times);
  if (setup.peers === undefined) return reportGoals(bound);
  const peers = [results.perChoice, results.depthFirst, results.parallel];
  const largest = Math.max(...peers.map(differs));
  console.log(`largest difference ${largest.toFixed(4)}, tolerance ${tolerance}`);
  if (!(largest <= tolerance)) throw new PlainError('the contenders do not agree');

  const fastest = peers.reduce((best, one) => (ratio(one, best) < 1 ? one : best));
  return reportGoals(atLeast(`${fastest.name} vs ours`, ratio(fastest, ours), 15, times), bound);
}
