// Prompt processing of 512 tokens and generation of 128 tokens, compared with llama-bench, which
// decodes random tokens without sampling. Measured by wall clock, and as reported by `complete`.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, reportGoals } from '../goals.mjs';
import { autocogLmGeneration, llamaBench } from '../jobs.mjs';
import { prompt } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { printTable, times } from '../report.mjs';

const promptLength = 512;
const generatedLength = 128;

/** The prompt's logits yield the first token, so one more token is generated than decoded. */
const job = (tokens, maxTokens, isCached) => {
  return { prompts: [tokens], options: { maxTokens }, method: 'complete', isCached };
};

function contenders(setup) {
  const tokens = [...setup.vocabulary.tokenizeSync(prompt.repeat(2))].slice(0, promptLength);
  const ours = (key, name, what) => autocogLmGeneration(setup, key, `autocog-lm, ${name}`, what);
  const theirs = (key, counts) => {
    const { prompt: pp, generate: tg, depth } = counts;
    const test = `${pp > 0 ? `pp${pp}` : `tg${tg}`}${depth > 0 ? ` @ d${depth}` : ''}`;
    return llamaBench(setup, key, `llama-bench ${test}`, counts);
  };
  return [
    theirs('pp', { prompt: promptLength, generate: 0, depth: 0 }),
    ours('prompt', `prompt of ${promptLength}`, job(tokens, 1, false)),
    theirs('tg', { prompt: 0, generate: generatedLength, depth: 0 }),
    ours('short', `${generatedLength} after 1`, job(tokens.slice(0, 1), generatedLength + 1, true)),
    theirs('deep', { prompt: 0, generate: generatedLength, depth: promptLength }),
    ours(
      'long',
      `${generatedLength} after ${promptLength}`,
      job(tokens, generatedLength + 1, true),
    ),
  ];
}

/** Tokens per second as reported by `complete`. */
function ownRate({ facts }) {
  const [{ performance, tokens }] = facts.texts;
  return tokens.length > 1 ? performance.tokensPerSecond : performance.promptTokensPerSecond;
}

/** Checks that the run did the work that its time stands for. */
function check({ name, facts }, decoded, expected) {
  const [{ tokens, stopReason, usage }] = facts.texts;
  if (tokens.length !== expected) {
    throw new PlainError(`${name}: ${tokens.length} tokens instead of ${expected}: ${stopReason}`);
  }
  if (usage.decodedTokens !== decoded) {
    throw new PlainError(`${name}: decoded ${usage.decodedTokens} tokens instead of ${decoded}`);
  }
}

export async function generate(setup) {
  const results = await measure(setup, contenders(setup), {
    rounds: setup.rounds ?? 5,
    warmups: 0,
    repetitions: 2,
  });
  const { pp, prompt: promptOnly, tg, short, deep, long } = results;
  check(promptOnly, promptLength, 1);
  check(short, generatedLength, generatedLength + 1);
  check(long, generatedLength, generatedLength + 1);
  const pairs = [
    [pp, promptOnly, promptLength],
    [tg, short, generatedLength],
    [deep, long, generatedLength],
  ];
  const rate = (result, count) => ((count / result.ms) * 1000).toFixed(1);
  printTable(
    `generate: ${setup.peers === undefined ? 'all layers on the GPU' : `${setup.threads} threads`}, Q8_0, F16 KV cache; tokens per second`,
    ['', 'wall clock', 'self-reported', 'vs llama-bench'],
    pairs.flatMap(([theirs, ours, count]) => [
      [theirs.name, '', rate(theirs, count), times(1)],
      [ours.name, rate(ours, count), ownRate(ours).toFixed(1), times(ratio(theirs, ours))],
    ]),
  );
  return reportGoals(
    ...pairs.map(([theirs, ours]) => {
      return atLeast(`${ours.name} vs ${theirs.name}`, ratio(theirs, ours), 0.97, times);
    }),
  );
}
