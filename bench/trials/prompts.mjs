// Two hundred prompts that are not cached, each with four endings, as evaluation harnesses have
// them: chooseMany against llama-perplexity's own multiple choice. Both say which ending is best.

import { join } from 'node:path';
import { PlainError } from '../../scripts/run.mjs';
import { startContender } from '../contender.mjs';
import { atMost, tell } from '../goals.mjs';
import { autocogLm } from '../jobs.mjs';
import { stories } from '../material.mjs';
import { ratio, resultOf, turn } from '../measure.mjs';
import { scoreTasks, writeTasks } from '../perplexity.mjs';
import { printTable, times } from '../report.mjs';

const count = 200;

/** They take turns, as all contenders do, so that each has a part of the tasks at a time. */
const part = 50;

/**
 * By which the best score may be ahead of the next, per token, where the two find different ones:
 * they put tokens into other batches, and quantised weights round in each.
 */
const tolerance = 0.05;

/** Both contenders' runs of one part, and what became of each of its tasks. */
async function round(setup, ours, tasks) {
  const [mine] = await turn(ours, { warmups: 0, repetitions: 1 });
  setup.log(mine.delays);
  // The program prints no winners, but how many are right: so ours are what is called right.
  const file = join(setup.folder, 'tasks.bin');
  const winners = mine.tasks.map(({ index }) => index);
  writeTasks(file, tasks, winners);
  const theirs = scoreTasks(setup, file, tasks.length);
  const outcomes = mine.tasks.map(({ margin }, task) => ({ margin, agrees: theirs.hits[task] }));
  return { mine, theirs, outcomes };
}

async function measureBoth(setup, tasks) {
  const options = { boundary: 'joint', normalize: 'tokens' };
  const ours = await startContender(
    autocogLm(setup, 'prompts', 'autocog-lm chooseMany', { tasks, part, options }),
  );
  try {
    const rounds = [];
    for (let pass = 0; pass < (setup.rounds ?? 1); pass++) {
      for (let start = 0; start < count; start += part) {
        rounds.push(await round(setup, ours, tasks.slice(start, start + part)));
      }
    }
    return rounds;
  } finally {
    await ours.stop();
  }
}

export async function prompts(setup) {
  const tasks = stories(setup.vocabulary, count);
  const rounds = await measureBoth(setup, tasks);
  const results = [
    resultOf(
      'llama-perplexity --multiple-choice',
      {},
      rounds.map(({ theirs }) => [theirs]),
    ),
    resultOf(
      'autocog-lm chooseMany',
      {},
      rounds.map(({ mine }) => [mine]),
    ),
  ];
  const [peer, ours] = results;
  const decoded = rounds.reduce((sum, { mine }) => sum + mine.decodedTokens, 0) / rounds.length;
  const tokens = setup.vocabulary.tokenizeSync(tasks[0].prompt).length;
  printTable(
    `prompts: ${count} of ${tokens} tokens, none cached, with 4 endings of 25 tokens; ` +
      `we decode ${Math.round(decoded / part)} tokens for each`,
    ['', 's', 'ms per prompt', 'to llama-perplexity'],
    results.map((result) => {
      const perPrompt = result.ms / part;
      const seconds = (perPrompt * count) / 1000;
      return [result.name, seconds.toFixed(1), perPrompt.toFixed(0), times(ratio(result, peer))];
    }),
  );
  const outcomes = rounds.flatMap((each) => each.outcomes);
  const differing = outcomes.filter(({ agrees }) => !agrees);
  const apart = Math.max(0, ...differing.map(({ margin }) => margin));
  console.log(
    `the same best ending ${outcomes.length - differing.length} times of ${outcomes.length}; ` +
      `ours is ahead by ${apart.toFixed(4)} at most in the others, tolerance ${tolerance}`,
  );
  if (!(apart <= tolerance)) throw new PlainError('the contenders do not agree');
  return tell(atMost(`chooseMany, to ${peer.name}`, ratio(ours, peer), 1, times));
}
