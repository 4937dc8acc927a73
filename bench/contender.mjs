// One contender: a process of its own that has its model loaded and waits. It prints a line of
// JSON about itself when it is ready, and then one for each line "go" that it reads, with the
// milliseconds that its work took, {"ms": …, "cpuMs": …}, the latter summed over its threads,
// and whatever else there is to know of that run. run.mjs starts them; serve() is the other end
// for those in JavaScript.

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
  // A contender that has died is reported by the line that it does not write.
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new PlainError(`the contender "${name}" ended: ${await ended}`);
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

/** The most memory that this process has had at any time, in bytes. */
export const peakMemory = () => process.resourceUsage().maxRSS * 1024;

/**
 * Says that this process is ready, and runs `work` once per line "go". Neither `before`, which
 * comes before each run, nor `describe`, which tells what there is to know of its result, is in
 * what is measured. The event loop is watched in a run of its own, `watch: 'apart'`, since
 * looking at the clock each millisecond takes the engine's threads from their cores; `'once'`,
 * after the first run alone, where runs are long; or `'never'`. `watched` is what runs then, if
 * that must not be `work`.
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
  await answer(facts, async () => {
    await before();
    const { result, delays } = await run();
    const { value, ...spent } = result;
    return { ...describe(value), ...spent, peakBytes: peakMemory(), delays };
  });
}

/** Says that this process is ready, and what `run` gives for each line "go". */
export async function answer(facts, run) {
  console.log(JSON.stringify(facts));
  for await (const _ of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await run()));
  }
}

/** What `work` gives, and the milliseconds that it took. */
export async function timed(work) {
  const before = process.cpuUsage();
  const start = performance.now();
  const value = await work();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { value, ms, cpuMs: (user + system) / 1000 };
}
