// A contender is a separate process that loads its model and waits. It prints a line of JSON about
// itself when it is ready, then one line per "go" that it reads: the time its work took,
// {"ms": …, "cpuMs": …}, the latter summed over its threads, and other facts about the run.
// startContender() is the bench's side of the protocol; serve() is the side of contenders in
// JavaScript.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PlainError } from '../scripts/run.mjs';
import { withDelays } from './delays.mjs';

/** Starts a contender and waits until it is ready. Stop it when done. */
export async function startContender({ name, command, args }) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => {
    child.on('close', resolve);
    child.on('error', resolve);
  });
  // A dead contender is detected by its missing line.
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new PlainError(`the contender "${name}" exited: ${await ended}`);
    return JSON.parse(value);
  };
  try {
    const facts = await read();
    const go = async () => {
      child.stdin.write('go\n');
      return read();
    };
    const stop = async () => {
      child.stdin.end();
      await ended;
    };
    return { name, facts, go, stop };
  } catch (error) {
    child.kill();
    throw error;
  }
}

/** Peak resident memory of this process, in bytes. */
export const peakMemory = () => process.resourceUsage().maxRSS * 1024;

/**
 * Reports that this process is ready, and runs `work` once per line "go". The measurement excludes
 * `before`, which runs before each run, and `describe`, which extracts facts from the result.
 * Event loop delays are measured in a separate run, since sampling the clock every millisecond
 * preempts the engine's threads: after each run (`watch: 'apart'`), after the first run only
 * (`'once'`, for long runs) or `'never'`. `watched` is the work of that run, `work` by default.
 */
export async function serve(facts, work, options = {}) {
  const { before = () => {}, describe = () => ({}), watch = 'apart', watched = work } = options;
  let runs = 0;
  const run = async () => {
    const result = await timed(work);
    if (watch === 'never' || (watch === 'once' && runs++ > 0)) return { result, delays: [] };
    await before();
    const { delays } = await withDelays(watched);
    return { result, delays };
  };
  await respond(facts, async () => {
    await before();
    const { result, delays } = await run();
    const { value, ...spent } = result;
    return { ...describe(value), ...spent, peakBytes: peakMemory(), delays };
  });
}

/** Reports that this process is ready, and the result of `run` for each line "go". */
export async function respond(facts, run) {
  console.log(JSON.stringify(facts));
  for await (const _ of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await run()));
  }
}

/** The result of `work`, and its elapsed and CPU time in milliseconds. */
export async function timed(work) {
  const before = process.cpuUsage();
  const start = performance.now();
  const value = await work();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { value, ms, cpuMs: (user + system) / 1000 };
}
