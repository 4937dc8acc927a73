// Runs llama-server on a free local port for the duration of a test.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { at } from '../../test/suite/oracle.js';
import { plainArguments, toolPath } from './tools.js';

/** Runs a program until its standard input ends, which happens however this process exits. */
const untilInputEnds =
  'exec 3<&0; "$@" & program=$!; { cat <&3; kill -9 $program; } >/dev/null 2>&1 & wait $program; kill $!';

/** Maximum startup time in milliseconds. */
const startupTimeout = 60_000;

/** Resolves with the address once the server reports that it is listening. */
async function addressOf(child: ChildProcess): Promise<string> {
  let output = '';
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('It is not listening')), startupTimeout);
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        // Keep reading its later output, or the server blocks on a full pipe.
        if (output.length < 100_000) output += text;
        const address = /listening on (http:\S+)\s/.exec(output)?.[1];
        if (address !== undefined) resolve(address);
      });
      child.once('error', reject);
      child.once('close', (code, signal) => reject(new Error(`It ended with ${signal ?? code}`)));
    });
  } catch (cause) {
    throw new Error(`llama-server did not start:\n${output.slice(-2000)}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** A running server with one slot, no prompt cache and no web UI. */
export class Server implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** The server's URL without a path. */
  readonly address: string;

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  static async start(
    model: string,
    contextSize: number,
    more: readonly string[] = [],
  ): Promise<Server> {
    const args = [
      ...['--model', model, '--ctx-size', `${contextSize}`, '--parallel', '1'],
      ...['--host', '127.0.0.1', '--port', '0', '--no-ui', '--no-slots'],
      ...['--cache-ram', '0', '--ctx-checkpoints', '0', ...plainArguments, ...more],
    ];
    const command = ['-c', untilInputEnds, 'sh', toolPath('llama-server'), ...args];
    const child = spawn('sh', command, { stdio: ['pipe', 'ignore', 'pipe'] });
    try {
      return new Server(child, await addressOf(child));
    } catch (error) {
      child.stdin.end();
      throw error;
    }
  }

  async post(path: string, body: object): Promise<unknown> {
    const response = await fetch(`${this.address}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    if (!response.ok) throw new Error(`${path} gave ${response.status}: ${await response.text()}`);
    return response.json();
  }

  /** The log-probability of every next token, by token id. */
  async distribution(prompt: Iterable<number>, size: number): Promise<Float64Array> {
    const answer = (await this.post('/completion', {
      prompt: [...prompt],
      n_predict: 1,
      n_probs: size,
      post_sampling_probs: false,
      cache_prompt: false,
      ignore_eos: false,
    })) as { completion_probabilities: { top_logprobs: { id: number; logprob: number }[] }[] };
    const logprobs = new Float64Array(size).fill(Number.NaN);
    const { top_logprobs } = at(answer.completion_probabilities, 0);
    for (const { id, logprob } of top_logprobs) logprobs[id] = logprob;
    if (top_logprobs.length !== size || logprobs.some(Number.isNaN)) {
      throw new Error(`It gave ${top_logprobs.length} of ${size} tokens`);
    }
    return logprobs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin?.end();
    await closed;
  }
}
