// Memory of 5,000 choices beyond the model and its KV cache: the peak of a fresh process that loads
// the model, caches the prompt and chooses, minus its peak before choosing.

import { statSync } from 'node:fs';
import { PlainError } from '../../scripts/run.mjs';
import { atMost, reportGoals } from '../goals.mjs';
import { autocogLm, contextSize } from '../jobs.mjs';
import { cacheBytes } from '../make-model.mjs';
import { allPaths, prompt } from '../material.mjs';
import { measure } from '../measure.mjs';
import { printTable } from '../report.mjs';

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;

export async function memory(setup) {
  const choices = allPaths([10, 5, 5, 5, 4, 1]);
  const { size, childless } = new setup.TokenChoiceTree(
    choices.map((path) => Int32Array.from(path)),
  );
  const { choose } = await measure(
    setup,
    [autocogLm(setup, 'choose', 'autocog-lm choose', { prompt, choices })],
    { rounds: 1, fresh: true, warmups: 0, repetitions: 1 },
  );
  const { loadedBytes, peakBytes, decodedTokens } = choose.facts;
  if (decodedTokens !== size - childless) {
    throw new PlainError(`decoded ${decodedTokens} tokens instead of U − T`);
  }
  printTable(
    `memory: ${choices.length} choices of 6 tokens, U ${size}, T ${childless}, ` +
      `${setup.vocabulary.vocab.size} log-probabilities each; resident memory`,
    ['', 'bytes'],
    [
      ["of these, the model's file", megabytes(statSync(setup.model).size)],
      [`and the KV cache of ${contextSize} cells`, megabytes(cacheBytes(contextSize))],
      ['peak after loading the model and caching the prompt', megabytes(loadedBytes)],
      [`peak after choosing, after ${(choose.ms / 1000).toFixed(1)} s`, megabytes(peakBytes)],
    ],
  );
  return reportGoals(
    atMost('beyond model and KV cache', peakBytes - loadedBytes, 400e6, megabytes),
  );
}
