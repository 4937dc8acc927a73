// Random multiple-choice tasks from the model's own words, in llama-perplexity's file format.

import type { Model } from 'autocog-lm';
import { at } from '../../test/suite/oracle.js';
import type { Random } from './random.js';

export interface Task {
  question: string;
  answers: string[];
}

/** The words that are a single token of the model. */
export function wordsOf(model: Model): string[] {
  return Array.from({ length: model.vocab.size }, (_, token) =>
    model.detokenizeSync(Int32Array.of(token)),
  )
    .filter((text) => /^ [a-z]{2,}$/i.test(text))
    .map((text) => text.slice(1));
}

const capitalize = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** A word of the model; occasionally one that takes several tokens. */
function word(random: Random, words: readonly string[]): string {
  const roll = random.below(10);
  if (roll === 0) return `${random.pick(words)}${random.pick(words)}`;
  if (roll === 1) return capitalize(random.pick(words));
  return random.pick(words);
}

const phrase = (random: Random, words: readonly string[], count: number): string =>
  Array.from({ length: count }, () => word(random, words)).join(' ');

/** 2 to 8 answers, some of which share their first word with the answer before them. */
function makeAnswers(random: Random, words: readonly string[]): string[] {
  const answers: string[] = [];
  while (answers.length < 2 || random.below(7) > 0) {
    if (answers.length === 8) break;
    const text =
      phrase(random, words, random.between(1, 4)) + random.pick(['', '', '.', '!', ' 7']);
    const shared = answers.at(-1)?.split(' ')[0];
    answers.push(shared !== undefined && random.below(4) === 0 ? `${shared} ${text}` : text);
  }
  return answers;
}

/** The length of the common prefix of all lists. */
export function sharedBy(lists: readonly Int32Array[]): number {
  const first = at(lists, 0);
  let shared = 0;
  while (lists.every((list) => shared < list.length && list[shared] === first[shared])) shared++;
  return shared;
}

/**
 * Whether the answers are distinct, and none is a prefix of all: llama-perplexity would read
 * beyond the end of its lists.
 */
export function isSafe(model: Model, { question, answers }: Task): boolean {
  const lists = answers.map((answer) => model.tokenizeSync(`${question} ${answer}`));
  const shared = sharedBy(lists);
  return new Set(answers).size === answers.length && lists.every((list) => list.length > shared);
}

/** Makes `count` tasks, each with 2 to 8 answers. */
export function makeTasks(model: Model, random: Random, count: number): Task[] {
  const words = wordsOf(model);
  const tasks: Task[] = [];
  while (tasks.length < count) {
    const text = capitalize(phrase(random, words, random.between(3, 14)));
    const question = text + random.pick(['', '', ':', '?', '.', ',', '. The answer is']);
    const task = { question, answers: makeAnswers(random, words) };
    if (isSafe(model, task)) tasks.push(task);
  }
  return tasks;
}

const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt32LE(value, 4 * index);
  });
  return bytes;
};

const string = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  return Buffer.concat([u32(bytes.length), bytes]);
};

/** Encodes a file for `llama-perplexity --multiple-choice`; labels[i] are those of task i. */
export function encodeTasks(tasks: readonly Task[], labels: readonly number[][]): Buffer {
  const bodies = tasks.map(({ question, answers }, index) =>
    Buffer.concat([
      string(question),
      u32(answers.length),
      ...answers.map(string),
      u32(...at(labels, index)),
      // The second list of answers, for tasks with several correct ones, is empty.
      u32(0),
    ]),
  );
  let position = 4 + 4 * tasks.length;
  const positions = bodies.map((body) => {
    const start = position;
    position += body.length;
    return start;
  });
  return Buffer.concat([u32(tasks.length, ...positions), ...bodies]);
}
