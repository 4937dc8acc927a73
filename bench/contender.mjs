// One contender: a process of its own that has its model loaded and waits. It prints a line of
// JSON about itself when it is ready, and then one with the milliseconds that it took, {"ms": …,
// "cpuMs": …}, the latter summed over its threads, for each line "go" that it reads. run.mjs starts them; serve() is the other end for those in
// JavaScript.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PlainError } from '../scripts/run.mjs';

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
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new PlainError(`the contender "${name}" ended: ${await ended}`);
    return JSON.parse(value);
  };
  try {
    const facts = await answer();
    const go = async () => {
      child.stdin.write('go\n');
      return answer();
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

/** Says that this process is ready, and runs `work` once per line "go". */
export async function serve(facts, work) {
  console.log(JSON.stringify(facts));
  for await (const _ of createInterface({ input: process.stdin })) {
    const before = process.cpuUsage();
    const start = performance.now();
    await work();
    const ms = performance.now() - start;
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ ms, cpuMs: (user + system) / 1000 }));
  }
}
