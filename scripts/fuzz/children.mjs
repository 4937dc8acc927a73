// Runs cases in child processes, which end when a case crashes or hangs. The next case gets a new child.
import { fork } from 'node:child_process';

/** A child with a program that answers each message by one message. */
export class Child {
  #program;
  #timeout;
  #child;
  #stderr = '';

  /** @param timeout milliseconds per case */
  constructor(program, timeout) {
    this.#program = program;
    this.#timeout = timeout;
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
      }, this.#timeout);
      const end = (answer) => {
        clearTimeout(timer);
        child.removeAllListeners('message');
        child.removeAllListeners('close');
        resolve(answer);
      };
      child.once('message', end);
      child.once('close', (code, signal) => {
        this.#child = undefined;
        const reason = late
          ? `no answer within ${this.#timeout} ms`
          : (signal ?? `exit code ${code}`);
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

/** Gives the cases to some children at a time, and each answer to `report`, in the order of the answers. */
export async function runCases(cases, { program, timeout, concurrency, report }) {
  const iterator = cases[Symbol.iterator]();
  const work = async () => {
    const child = new Child(program, timeout);
    try {
      for (let next = iterator.next(); !next.done; next = iterator.next()) {
        const { message, done } = next.value;
        const answer = await child.run(message);
        done?.();
        report(next.value, answer);
      }
    } finally {
      child.close();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}
