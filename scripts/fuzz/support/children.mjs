// Runs cases in child processes, which end when a case crashes or hangs. The next case gets a new child.
import { fork } from 'node:child_process';
import { writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { PlainError, root } from '../../run.mjs';
import { maxMs } from './property.mjs';

/** A child with a program of this folder that answers each message by one message. */
export class Child {
  #program;
  #child;
  #stderr = '';

  constructor(program) {
    this.#program = join(root, 'scripts', 'fuzz', 'support', program);
  }

  /** The answer to a case, or `{ death }`: how the child ended. */
  run(message) {
    this.#child ??= this.#start();
    const child = this.#child;
    this.#stderr = '';
    return new Promise((resolve) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        child.kill('SIGKILL');
      }, maxMs);
      const end = (answer) => {
        clearTimeout(timer);
        child.removeAllListeners('message');
        child.removeAllListeners('close');
        resolve(answer);
      };
      child.once('message', end);
      child.once('close', (code, signal) => {
        this.#child = undefined;
        const reason = late ? `no answer within ${maxMs} ms` : (signal ?? `exit code ${code}`);
        end({ death: reason, stderr: this.#stderr.slice(-1500) });
      });
      child.send(message);
    });
  }

  close() {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  #start() {
    const stdio = ['ignore', 'ignore', 'pipe', 'ipc'];
    const child = fork(this.#program, [], { stdio, execArgv: ['--no-warnings'] });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr += text;
    });
    return child;
  }
}

/** The numbers of the cases to run: all of `--runs` or `--seconds`, or the one that `--path` names. */
function* numbers({ runs = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY, path }) {
  if (path !== undefined) {
    if (!/^\d+$/.test(path)) {
      throw new PlainError(`Expected the number of a case for --path, got ${path}`);
    }
    yield Number(path);
    return;
  }
  const end = performance.now() + 1000 * seconds;
  for (let number = 0; number < runs && performance.now() < end; number++) yield number;
}

const outcomeOf = ({ death, results }) =>
  death ?? (results.map((each) => each.split('\n')[0].slice(0, 80)).join('; ') || 'used');

/**
 * Runs cases that their seed and number determine, in some children at a time. `makeCase` returns a
 * case's `{ message, label?, end? }`; the child answers `{ results, label? }`, where a result that starts
 * with `FAILED` is a failure. All failures are printed; throws a PlainError if there was any.
 *
 * @returns {Promise<string>} what was found
 */
export async function runCases(kind, program, makeCase, options) {
  const outcomes = new Map();
  const iterator = numbers(options);
  let [cases, failures] = [0, 0];
  const report = (number, label, answer) => {
    const isFailure =
      answer.death !== undefined || answer.results.some((each) => /^FAILED/.test(each));
    const outcome = outcomeOf(answer);
    cases++;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (isFailure) failures++;
    if (!isFailure && options.path === undefined) return;
    const details = answer.death === undefined ? answer.results.join('\n') : answer.stderr;
    writeSync(
      isFailure ? 2 : 1,
      `${kind} of seed ${options.seed}, --path ${number}: ${label}\n  ${outcome}\n${details}\n`,
    );
  };
  const work = async () => {
    const child = new Child(program);
    try {
      for (let next = iterator.next(); !next.done; next = iterator.next()) {
        const { message, label, end } = makeCase(next.value);
        const answer = await child.run(message);
        report(next.value, label ?? answer.label, answer);
        end?.();
      }
    } finally {
      child.close();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  const counts = [...outcomes].sort((a, b) => b[1] - a[1]);
  const tally = counts
    .slice(0, 12)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
  if (failures > 0) {
    const repeat = `npm run fuzz -- ${kind} --seed ${options.seed} --path NUMBER`;
    throw new PlainError(`${failures} of ${cases} ${kind} fail: ${repeat} repeats one`);
  }
  return `${cases} ${kind}: ${tally}`;
}
