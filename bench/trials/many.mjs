// A thousand choices of four tokens: the tree compared with one path at a time, and with one call of
// node-llama-cpp per choice, both measured on a sample. Checks that exactly the inner nodes were
// decoded.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, exactly, reportGoals } from '../goals.mjs';
import { autocogLm, nodeLlamaCpp } from '../jobs.mjs';
import { allPaths, prompt } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { difference, logprobsOf, tolerance } from '../values.mjs';

const sampled = 50;

export async function many(setup) {
  const choices = allPaths([10, 10, 5, 2]);
  const scale = choices.length / sampled;
  const inSample = (_, index) => index % scale === 0;
  const sample = choices.filter(inSample);
  const treeOf = (paths) => new setup.TokenChoiceTree(paths.map((path) => Int32Array.from(path)));
  const { size, childless } = treeOf(choices);
  const promptTokens = setup.vocabulary.tokenizeSync(prompt);
  const sequential = { prompt, choices: sample, options: { batching: 'sequential' } };
  const peer = ['peer', 'node-llama-cpp, a call per choice', promptTokens, treeOf(sample)];
  const results = await measure(
    setup,
    [
      autocogLm(setup, 'tree', 'autocog-lm choose', { prompt, choices }),
      autocogLm(setup, 'sequential', "autocog-lm, batching 'sequential'", sequential),
      ...(setup.peers === undefined ? [] : [nodeLlamaCpp(setup, ...peer, 'sample')]),
    ],
    { rounds: setup.rounds ?? 3, warmups: 0, repetitions: 1 },
  );
  const { tree, ...others } = results;
  const values = logprobsOf(tree).filter(inSample);
  const differs = (result) => difference(logprobsOf(result), values);
  const scaledRatio = (result) => ratio(result, tree) * scale;
  printTable(
    `many: ${choices.length} choices of 4 tokens, U ${size}, T ${childless}; ` +
      `all but the first measured on ${sampled} of them and scaled by ${scale}`,
    ['', 'llama_decode calls', 'decoded', 'ms', 'vs tree', 'largest Δ logprob'],
    [
      [tree.name, tree.facts.decodeCalls, tree.facts.decodedTokens, milliseconds(tree.ms), '', ''],
      ...Object.values(others).map((result) => [
        result.name,
        (result.facts.decodeCalls ?? result.facts.calls) * scale,
        result.facts.decodedTokens * scale,
        milliseconds(result.ms * scale),
        times(scaledRatio(result)),
        differs(result).toFixed(4),
      ]),
    ],
  );
  if (!(Math.max(...Object.values(others).map(differs)) <= tolerance)) {
    throw new PlainError('the contenders do not agree');
  }
  if (tree.facts.decodedTokens !== size - childless) {
    throw new PlainError(`decoded ${tree.facts.decodedTokens} tokens instead of U − T`);
  }
  return reportGoals(
    atLeast('one path at a time vs tree', scaledRatio(others.sequential), 10, times),
    ...(others.peer === undefined
      ? []
      : [atLeast(`${others.peer.name} vs tree`, scaledRatio(others.peer), 40, times)]),
    exactly('decoded tokens, U − T', tree.facts.decodedTokens, size - childless),
  );
}
