// Runs llama.cpp's own multiple-choice scorer, `llama-perplexity --multiple-choice`: writes its task
// file and parses its output.

import { writeFileSync } from 'node:fs';
import { capture, PlainError } from '../scripts/run.mjs';

const uint32 = (...values) => Buffer.from(Uint32Array.from(values).buffer);
const string = (text) => Buffer.concat([uint32(Buffer.byteLength(text)), Buffer.from(text)]);

/** Encodes a task with one correct answer and without the second answer list. */
function encode({ prompt, choices }, correct) {
  const labels = choices.map((_, index) => (index === correct ? 1 : 0));
  // The program inserts a space between question and answer.
  const answers = choices.map((choice) => string(choice.slice(1)));
  return Buffer.concat([
    string(prompt),
    uint32(choices.length),
    ...answers,
    uint32(...labels),
    uint32(0),
  ]);
}

/** Writes tasks, each with the index of the answer to label as correct. */
export function writeTasks(file, tasks, correct) {
  const parts = tasks.map((task, index) => encode(task, correct[index]));
  let position = 4 + 4 * tasks.length;
  const positions = parts.map((part) => {
    position += part.length;
    return position - part.length;
  });
  writeFileSync(file, Buffer.concat([uint32(tasks.length, ...positions), ...parts]));
}

/**
 * The fastest settings on the machines tested: a context that holds one task. The program allocates
 * `-np` × `-c` cells and batches as many tasks as fit; with more tasks in one KV cache, each token's
 * attention also covers the cells of the others.
 */
const flags = ['-np', '4', '-c', '64', '-fa', 'off'];

/** A line's timestamp in milliseconds; printed as minutes.seconds.milliseconds.microseconds. */
function stampOf(output, text) {
  const line = output.split('\n').find((each) => each.includes(text)) ?? '';
  const stamp = /^(\d+)\.(\d+)\.(\d+)\.(\d+) /.exec(line);
  if (stamp === null) throw new PlainError(`llama-perplexity printed no timestamp for "${text}"`);
  const [minutes, seconds, milliseconds, microseconds] = stamp.slice(1).map(Number);
  return (60 * minutes + seconds) * 1000 + milliseconds + microseconds / 1000;
}

/**
 * Runs the program once. `ms` is the time from reading the tasks to the result, so without model
 * loading and warm-up; `hits[i]` is whether task i's correct answer had the best score.
 */
export function scoreTasks({ perplexity: program, model, threads }, file, count) {
  const counts = ['-t', String(threads), '-tb', String(threads)];
  const args = ['-m', model, '--multiple-choice', '-bf', file, ...counts, ...flags];
  const output = capture('sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args]);
  if (output === null) throw new PlainError('llama-perplexity failed');
  const ms = stampOf(output, 'Final result') - stampOf(output, 'tasks in prompt');
  // Each line has the percentage of correct tasks so far.
  const shares = [...output.matchAll(/^(\d+)\t([\d.]+)$/gm)].map(([, done, percent]) => {
    return Math.round((done * percent) / 100);
  });
  if (shares.length !== count) throw new PlainError(`llama-perplexity scored ${shares.length}`);
  return { ms, hits: shares.map((correct, task) => correct > (shares[task - 1] ?? 0)) };
}
