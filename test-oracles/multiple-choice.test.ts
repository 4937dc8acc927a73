// llama-perplexity --multiple-choice picks the answer with the highest mean log-probability of the
// tokens after the answers' common prefix. Our picks must be the same.

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

const randomCount = 220;
const plausibleCount = 80;
const taskCount = randomCount + plausibleCount;
/** The bits of an answer's index: there are at most eight answers. */
const bits = [0, 1, 2];

/** Tasks of random words, and questions that the model can answer. */
function collectTasks(model: Model): Task[] {
  const plausible = heldOutQuestions(2, plausibleCount + 20)
    .map(({ prompt, choices }) => ({
      question: prompt,
      answers: choices.map((choice) => choice.slice(1)),
    }))
    .filter((task) => isSafe(model, task));
  return [...makeTasks(model, new Random(7), randomCount), ...plausible.slice(0, plausibleCount)];
}

/**
 * llama-perplexity's pick for each task. It only prints how many tasks were answered correctly so
 * far, so each task is run three times: with the answers marked correct whose index has bit 0, 1
 * or 2 set.
 */
async function oraclePicks(model: string, file: string, tasks: readonly Task[]): Promise<number[]> {
  const repeated = tasks.flatMap((task) => bits.map(() => task));
  const labels = tasks.flatMap(({ answers }) =>
    bits.map((bit) => answers.map((_, index) => (index >> bit) & 1)),
  );
  await writeFile(file, encodeTasks(repeated, labels));
  const args = [
    ...['--model', model, '--multiple-choice', '--binary-file', file],
    ...['--ctx-size', '256', '--parallel', '16', ...plainArguments],
  ];
  const lines = await linesOf('llama-perplexity', args, /^(\d+)\t(\d+\.\d+)$/gm, repeated.length);
  const correct = lines.map(([done, percent]) =>
    Math.round((Number(done) * Number(percent)) / 100),
  );
  const marked = correct.map((count, index) => count - (correct[index - 1] ?? 0));
  return tasks.map((_, task) => sum(bits.map((bit) => at(marked, 3 * task + bit) << bit)));
}

interface Pick {
  index: number;
  /** The means over the tokens after the common prefix. */
  means: number[];
  /** The difference between the best mean and the second best. */
  margin: number;
  /** The winner with `normalize: 'tokens'`, if that averages the same tokens. */
  chosen: number | undefined;
}

/** Picks by both criteria; throws if the tokens differ from llama-perplexity's. */
async function ourPick(lm: LLaMa, { question, answers }: Task): Promise<Pick> {
  const { choices, boundary, index } = await lm.choose(
    question,
    answers.map((answer) => ` ${answer}`),
    { boundary: 'joint', normalize: 'tokens' },
  );
  const full = choices.map(({ tokens }) => concatenate(boundary.tokens, tokens));
  for (const [number, answer] of answers.entries()) {
    const expected = await lm.tokenize(`${question} ${answer}`, { addSpecial: true });
    if (`${expected}` !== `${at(full, number)}`) {
      throw new Error(`Different tokens: ${question} ${answer}`);
    }
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
 * The tolerance for each type of weights: means within it count as a tie. llama-perplexity sums
 * exponentials in floats, hence 1e-3 (F32); quantized weights add rounding steps.
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
    let largestGap = 0;
    const sizes = new Set<number>();
    for (const [number, task] of tasks.entries()) {
      const { index, means, margin, chosen } = await ourPick(lm, task);
      const their = at(theirs, number);
      sizes.add(task.answers.length);
      // By how much our means would have to be wrong for its pick to be correct.
      const gap = Math.max(...means) - at(means, their);
      if (their !== index) largestGap = Math.max(largestGap, gap);
      if (margin < tolerance) {
        close++;
        t.ok(gap < tolerance, `task ${number} is too close to call`);
        continue;
      }
      compared++;
      if (their !== index) unequal++;
      t.equal(their, index, `task ${number}: ${JSON.stringify(task)}`);
      if (chosen === undefined) continue;
      plain++;
      t.equal(chosen, their, `task ${number} by choose itself`);
    }
    t.ok(close <= taskCount / 30, `${close} tasks are too close to call`);
    t.ok(plain >= taskCount / 2, `${plain} tasks are compared with choose's own winner`);
    t.same([...sizes].sort(), [2, 3, 4, 5, 6, 7, 8], 'there are tasks of every size');
    const spread = new Set(theirs);
    t.ok(spread.size >= 6, `the winners have ${spread.size} different indices`);
    await report(`multiple-choice-${type}`, [
      `llama-perplexity --multiple-choice, ${type}: ${compared} of ${taskCount} tasks compared, ` +
        `${unequal} unequal, ${close} within ${tolerance} of a tie, ${plain} by choose's own winner; ` +
        `largest disagreement ${largestGap}`,
    ]);
  });
}
