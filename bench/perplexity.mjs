// llama.cpp's own scorer of multiple choices, `llama-perplexity --multiple-choice`: its file of
// tasks, what it prints.

import { writeFileSync } from 'node:fs';
import { capture, PlainError } from '../scripts/run.mjs';

const uint32 = (...values) => Buffer.from(Uint32Array.from(values).buffer);
const string = (text) => Buffer.concat([uint32(Buffer.byteLength(text)), Buffer.from(text)]);

/** One answer is labelled right, and there are no second answers. */
function encode({ prompt, choices }, right) {
  const labels = choices.map((_, index) => (index === right ? 1 : 0));
  // It puts a space between question and answer.
  const answers = choices.map((choice) => string(choice.slice(1)));
  return Buffer.concat([
    string(prompt),
    uint32(choices.length),
    ...answers,
    uint32(...labels),
    uint32(0),
  ]);
}

/** Writes tasks, each with the index of the answer that is to be taken for right. */
export function writeTasks(file, tasks, right) {
  const parts = tasks.map((task, index) => encode(task, right[index]));
  let position = 4 + 4 * tasks.length;
  const positions = parts.map((part) => {
    position += part.length;
    return position - part.length;
  });
  writeFileSync(file, Buffer.concat([uint32(tasks.length, ...positions), ...parts]));
}

/**
 * What was quickest on the machines that were tried: a context that holds one task. It takes
 * `-np` times `-c` cells and as many tasks at a time as they hold; with more of them in one
 * buffer, each token's attention runs over the others' cells, too.
 */
const flags = ['-np', '4', '-c', '64', '-fa', 'off'];

/** Milliseconds of a line's time stamp, minutes.seconds.milliseconds.microseconds since the start. */
function stampOf(output, text) {
  const line = output.split('\n').find((each) => each.includes(text)) ?? '';
  const stamp = /^(\d+)\.(\d+)\.(\d+)\.(\d+) /.exec(line);
  if (stamp === null) throw new PlainError(`llama-perplexity printed no time of "${text}"`);
  const [minutes, seconds, milliseconds, microseconds] = stamp.slice(1).map(Number);
  return (60 * minutes + seconds) * 1000 + milliseconds + microseconds / 1000;
}

/**
 * Runs it once. `ms` is from its reading of the tasks to its result, so without the loading of
 * the model and a first decode to warm up; `hits` says whose right answer had the best score.
 */
export function scoreTasks({ perplexity: program, model, threads }, file, count) {
  const counts = ['-t', String(threads), '-tb', String(threads)];
  const args = ['-m', model, '--multiple-choice', '-bf', file, ...counts, ...flags];
  const output = capture('sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args]);
  if (output === null) throw new PlainError('llama-perplexity failed');
  const ms = stampOf(output, 'Final result') - stampOf(output, 'tasks in prompt');
  // It prints how many per cent were right up to each task.
  const shares = [...output.matchAll(/^(\d+)\t([\d.]+)$/gm)].map(([, done, percent]) => {
    return Math.round((done * percent) / 100);
  });
  if (shares.length !== count) throw new PlainError(`llama-perplexity scored ${shares.length}`);
  return { ms, hits: shares.map((right, task) => right > (shares[task - 1] ?? 0)) };
}
