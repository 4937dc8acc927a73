// Two hundred uncached prompts with four endings each, as in evaluation harnesses: chooseMany
// compared with llama-perplexity's multiple-choice scorer. Both report which ending is best.

import { join } from 'node:path';
import { PlainError } from '../../scripts/run.mjs';
import { startContender } from '../contender.mjs';
import { atMost, reportGoals } from '../goals.mjs';
import { autocogLm } from '../jobs.mjs';
import { stories } from '../material.mjs';
import { ratio, resultOf, turn } from '../measure.mjs';
import { scoreTasks, writeTasks } from '../perplexity.mjs';
import { printTable, times } from '../report.mjs';

const count = 200;

/** Tasks per turn: the contenders take turns, as in all trials. */
const part = 50;

/**
 * Maximum lead, per token, of our best ending if the contenders disagree on it: they batch tokens
 * differently, and results with quantized weights depend on the batch.
 */
const tolerance = 0.05;

/** Runs both contenders on one part of the tasks, and compares the outcome of each task. */
async function round(setup, ours, tasks) {
  const [mine] = await turn(ours, { warmups: 0, repetitions: 1 });
  setup.log(mine.delays);
  // The program prints how many are correct, not the winners, so we label our winners as correct.
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
    ['', 's', 'ms per prompt', 'vs llama-perplexity'],
    results.map((result) => {
      const perPrompt = result.ms / part;
      const seconds = (perPrompt * count) / 1000;
      return [result.name, seconds.toFixed(1), perPrompt.toFixed(0), times(ratio(result, peer))];
    }),
  );
  const outcomes = rounds.flatMap((each) => each.outcomes);
  const differing = outcomes.filter(({ agrees }) => !agrees);
  const lead = Math.max(0, ...differing.map(({ margin }) => margin));
  console.log(
    `same best ending for ${outcomes.length - differing.length} of ${outcomes.length}; ` +
      `otherwise ours leads by at most ${lead.toFixed(4)}, tolerance ${tolerance}`,
  );
  if (!(lead <= tolerance)) throw new PlainError('the contenders do not agree');
  return reportGoals(atMost(`chooseMany vs ${peer.name}`, ratio(ours, peer), 1, times));
}
