// llama-perplexity --multiple-choice picks an answer by the mean log-probability of the tokens
// that not all answers share. Our picks and its must be the same.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultModelPath, LLaMa, Model, quantize } from 'autocog-lm';
import t from 'tap';
import { heldOutQuestions } from '../models/questions.mjs';
import { at, join as concatenate, sum } from '../test/suite/oracle.js';
import { exact } from '../test/support/forms.js';
import { Random } from './support/random.js';
import { encodeTasks, isSafe, makeTasks, sharedBy, type Task } from './support/tasks.js';
import { linesOf, plainArguments, report } from './support/tools.js';

const wildCount = 220;
const likelyCount = 80;
const taskCount = wildCount + likelyCount;
/** Enough to tell eight answers apart. */
const bits = [0, 1, 2];

/** Words in any order, and questions that the model can answer. */
function collectTasks(model: Model): Task[] {
  const likely = heldOutQuestions(2, likelyCount + 20)
    .map(({ prompt, choices }) => ({
      question: prompt,
      answers: choices.map((choice) => choice.slice(1)),
    }))
    .filter((task) => isSafe(model, task));
  return [...makeTasks(model, new Random(7), wildCount), ...likely.slice(0, likelyCount)];
}

/**
 * Its choice of each task. It only tells how many tasks were right so far; so each is put to it
 * three times, with those answers marked as right whose index has bit 0, 1 or 2.
 */
async function oraclePicks(model: string, file: string, tasks: readonly Task[]): Promise<number[]> {
  const asked = tasks.flatMap((task) => bits.map(() => task));
  const labels = tasks.flatMap(({ answers }) =>
    bits.map((bit) => answers.map((_, index) => (index >> bit) & 1)),
  );
  await writeFile(file, encodeTasks(asked, labels));
  const args = [
    ...['--model', model, '--multiple-choice', '--binary-file', file],
    ...['--ctx-size', '256', '--parallel', '16', ...plainArguments],
  ];
  const lines = await linesOf('llama-perplexity', args, /^(\d+)\t(\d+\.\d+)$/gm, asked.length);
  const right = lines.map(([done, percent]) => Math.round((Number(done) * Number(percent)) / 100));
  const marked = right.map((count, index) => count - (right[index - 1] ?? 0));
  return tasks.map((_, task) => sum(bits.map((bit) => at(marked, 3 * task + bit) << bit)));
}

interface Pick {
  index: number;
  /** Means of the tokens that it looks at. */
  means: number[];
  /** How far the best mean is above the next. */
  margin: number;
  /** The winner by `normalize: 'tokens'`, where that is the mean of the same tokens. */
  chosen: number | undefined;
}

/** Both ways to choose; throws where the tokens are not those that it looks at. */
async function ourPick(lm: LLaMa, { question, answers }: Task): Promise<Pick> {
  const { choices, boundary, index } = await lm.choose(
    question,
    answers.map((answer) => ` ${answer}`),
    { boundary: 'joint', normalize: 'tokens' },
  );
  const full = choices.map(({ tokens }) => concatenate(boundary.tokens, tokens));
  for (const [number, answer] of answers.entries()) {
    const its = await lm.tokenize(`${question} ${answer}`, { addSpecial: true });
    if (`${its}` !== `${at(full, number)}`) throw new Error(`Other tokens: ${question} ${answer}`);
  }
  const shared = sharedBy(full) - boundary.tokens.length;
  const means = choices.map(({ logprobs }) => {
    const unshared = logprobs.slice(shared);
    return sum(unshared) / unshared.length;
  });
  const ranked = [...means].sort((a, b) => b - a);
  return {
    index: means.indexOf(at(ranked, 0)),
    means,
    margin: at(ranked, 0) - at(ranked, 1),
    chosen: shared === 0 ? index : undefined,
  };
}

/**
 * Per type of weights: how close two means may be for either pick to be right. It sums float
 * exponentials, so 1e-3 (F32); rounded weights make steps of their own.
 */
const types = [
  ['F32', 1e-3],
  ['Q8_0', 2e-2],
] as const;

for (const [type, tolerance] of types) {
  t.test(`${taskCount} tasks with ${type} weights`, async (t) => {
    const folder = t.testdir();
    const path = join(folder, `${type}.gguf`);
    await quantize(defaultModelPath, path, type);
    await using model = await Model.load(path);
    await using lm = new LLaMa(model, exact);
    const tasks = collectTasks(model);
    t.equal(tasks.length, taskCount);
    const theirs = await oraclePicks(path, join(folder, 'tasks.bin'), tasks);

    let [close, compared, unequal, plain] = [0, 0, 0, 0];
    let widest = 0;
    const sizes = new Set<number>();
    for (const [number, task] of tasks.entries()) {
      const { index, means, margin, chosen } = await ourPick(lm, task);
      const their = at(theirs, number);
      sizes.add(task.answers.length);
      // How far our numbers would have to be off for its pick to be right.
      const off = Math.max(...means) - at(means, their);
      if (their !== index) widest = Math.max(widest, off);
      if (margin < tolerance) {
        close++;
        t.ok(off < tolerance, `task ${number} is too close to call`);
        continue;
      }
      compared++;
      if (their !== index) unequal++;
      t.equal(their, index, `task ${number}: ${JSON.stringify(task)}`);
      if (chosen === undefined) continue;
      plain++;
      t.equal(chosen, their, `task ${number} by choose alone`);
    }
    t.ok(close <= taskCount / 30, `${close} tasks are too close to call`);
    t.ok(plain >= taskCount / 2, `${plain} tasks are compared with choose's own winner`);
    t.same([...sizes].sort(), [2, 3, 4, 5, 6, 7, 8], 'there are tasks of every size');
    const spread = new Set(theirs);
    t.ok(spread.size >= 6, `the winners stand in ${spread.size} different places`);
    await report(`multiple-choice-${type}`, [
      `llama-perplexity --multiple-choice, ${type}: ${compared} of ${taskCount} tasks compared, ` +
        `${unequal} unequal, ${close} within ${tolerance} of a tie, ${plain} by choose's own winner; ` +
        `largest disagreement ${widest}`,
    ]);
  });
}
