// A prompt of 512 tokens and 128 tokens after it, against llama-bench, which decodes as many
// random tokens and picks none. Both from outside, by the clock, and by what complete says itself.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, tell } from '../goals.mjs';
import { autocogLmWriting, llamaBench } from '../jobs.mjs';
import { prompt } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { printTable, times } from '../report.mjs';

const prompted = 512;
const written = 128;

/** A prompt's row of logits gives the first token, so that one more than is decoded is written. */
const job = (tokens, maxTokens, isCached) => {
  return { prompts: [tokens], options: { maxTokens }, way: 'complete', isCached };
};

function contenders(setup) {
  const tokens = [...setup.vocabulary.tokenizeSync(prompt.repeat(2))].slice(0, prompted);
  const ours = (key, name, what) => autocogLmWriting(setup, key, `autocog-lm, ${name}`, what);
  const theirs = (key, counts) => {
    const { prompt: pp, generate: tg, depth } = counts;
    const test = `${pp > 0 ? `pp${pp}` : `tg${tg}`}${depth > 0 ? ` @ d${depth}` : ''}`;
    return llamaBench(setup, key, `llama-bench ${test}`, counts);
  };
  return [
    theirs('pp', { prompt: prompted, generate: 0, depth: 0 }),
    ours('prompt', `prompt of ${prompted}`, job(tokens, 1, false)),
    theirs('tg', { prompt: 0, generate: written, depth: 0 }),
    ours('short', `${written} after 1`, job(tokens.slice(0, 1), written + 1, true)),
    theirs('deep', { prompt: 0, generate: written, depth: prompted }),
    ours('long', `${written} after ${prompted}`, job(tokens, written + 1, true)),
  ];
}

/** Tokens per second by what `complete` says. */
function ownRate({ facts }) {
  const [{ performance, tokens }] = facts.texts;
  return tokens.length > 1 ? performance.tokensPerSecond : performance.promptTokensPerSecond;
}

/** What a run must have done for its time to mean anything. */
function check({ name, facts }, decoded, wanted) {
  const [{ tokens, stopReason, usage }] = facts.texts;
  if (tokens.length !== wanted) {
    throw new PlainError(`${name}: ${tokens.length} tokens, not ${wanted}: ${stopReason}`);
  }
  if (usage.decodedTokens !== decoded) {
    throw new PlainError(`${name}: ${usage.decodedTokens} tokens were decoded, not ${decoded}`);
  }
}

export async function generate(setup) {
  const results = await measure(setup, contenders(setup), {
    rounds: setup.rounds ?? 5,
    warmups: 0,
    repetitions: 2,
  });
  const { pp, prompt: prompting, tg, short, deep, long } = results;
  check(prompting, prompted, 1);
  check(short, written, written + 1);
  check(long, written, written + 1);
  const pairs = [
    [pp, prompting, prompted],
    [tg, short, written],
    [deep, long, written],
  ];
  const rate = (result, count) => ((count / result.ms) * 1000).toFixed(1);
  printTable(
    `generate: ${setup.threads} threads, Q8_0, F16 keys and values; tokens per second`,
    ['', 'by the clock', 'by its own account', 'to llama-bench'],
    pairs.flatMap(([theirs, ours, count]) => [
      [theirs.name, '', rate(theirs, count), times(1)],
      [ours.name, rate(ours, count), ownRate(ours).toFixed(1), times(ratio(theirs, ours))],
    ]),
  );
  return tell(
    ...pairs.map(([theirs, ours]) => {
      return atLeast(`${ours.name}, to ${theirs.name}`, ratio(theirs, ours), 0.97, times);
    }),
  );
}
