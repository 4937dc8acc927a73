// Sixteen choices after a cached prompt: this package, node-llama-cpp, and the bare engine's
// decode of the same batch. Every value of node-llama-cpp is held against ours.

import { PlainError } from '../../scripts/run.mjs';
import { autocogLm, bare, nodeLlamaCpp } from '../jobs.mjs';
import { choices, prompt } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';

/**
 * Natural log units by which a token's log-probability may differ. node-llama-cpp decodes single
 * tokens, which the engine computes by other kernels than the tokens of a batch.
 */
const tolerance = 0.25;

/** The largest difference between two contenders' log-probabilities of a token. */
function difference(a, b) {
  const pairs = a.flatMap((logprobs, choice) => {
    return logprobs.map((value, token) => Math.abs(value - b[choice][token]));
  });
  return Math.max(...pairs);
}

export async function choose(setup) {
  const promptTokens = setup.vocabulary.tokenizeSync(prompt);
  const paths = choices.map((choice) => setup.vocabulary.tokenizeSync(choice));
  const tree = new setup.TokenChoiceTree(paths);
  const sequential = { prompt, choices, options: { batching: 'sequential' } };
  const peer = (key, name) => nodeLlamaCpp(setup, key, name, promptTokens, tree, key);
  const results = await measure(
    [
      bare(setup, 'bare', 'bare llama_decode of the tree', promptTokens, tree),
      autocogLm(setup, 'tree', 'autocog-lm choose', { prompt, choices }),
      autocogLm(setup, 'sequential', "autocog-lm choose, batching 'sequential'", sequential),
      peer('perChoice', 'node-llama-cpp, a call per choice'),
      peer('depthFirst', 'node-llama-cpp, each inner token once'),
      peer('parallel', 'node-llama-cpp, a sequence with the prompt per path'),
    ],
    { rounds: setup.rounds ?? 7, warmups: 1, repetitions: 3 },
  );

  const ours = results.tree;
  const rows = Object.values(results).map((result) => {
    const { name, facts, ms, cpuMs } = result;
    const differs = facts.logprobs ? difference(facts.logprobs, ours.facts.logprobs) : undefined;
    return [
      name,
      facts.calls,
      facts.decodedTokens,
      milliseconds(ms),
      milliseconds(cpuMs),
      times(ratio(result, results.bare)),
      times(ratio(result, ours)),
      differs?.toFixed(4) ?? '',
    ];
  });
  const tokens = paths.reduce((sum, path) => sum + path.length, 0);
  printTable(
    `choose: ${choices.length} choices of ${tokens} tokens (U ${tree.size}, T ${tree.childless}) ` +
      `after ${promptTokens.length} cached; node-llama-cpp on ${results.perChoice.facts.release}`,
    ['', 'calls', 'decoded', 'median ms', 'CPU ms', 'to bare', 'to ours', 'largest Δ logprob'],
    rows,
  );
  const peers = [results.perChoice, results.depthFirst, results.parallel];
  const most = Math.max(...peers.map((p) => difference(p.facts.logprobs, ours.facts.logprobs)));
  const ratios = peers.map((p) => `${times(ratio(p, ours))} (${p.facts.calls} calls)`);
  console.log(`ours / bare ${times(ratio(ours, results.bare))}`);
  console.log(`node-llama-cpp / ours ${ratios.join(', ')}`);
  console.log(`largest difference ${most.toFixed(4)}, tolerance ${tolerance}`);
  if (!(most <= tolerance)) throw new PlainError('the contenders do not agree');
}
