// llama.cpp's own programs, as `scripts/oracles.mjs` built them.

import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = 'build-oracles';

/** The path of one of the programs. */
export const toolPath = (name: string): string => join(folder, 'bin', name);

/** Settings that make a program of llama.cpp compute as the LMs of these tests do. */
export const plainArguments = [
  ...['--threads', '1', '--threads-batch', '1'],
  ...['--cache-type-k', 'f32', '--cache-type-v', 'f32'],
  ...['--flash-attn', 'off', '--fit', 'off', '--offline', '--no-warmup'],
];

/** How a program ended, and what it said. */
export interface Outcome {
  /** The exit code, null where a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The environment without the loaders that tap hands on. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return env;
}

/** Runs a program to its end; one that hangs is killed. */
export function runProgram(
  program: string,
  args: readonly string[],
  patience = 240_000,
): Promise<Outcome> {
  const child = spawn(program, args, {
    env: plainEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** Runs one of the programs and gives what it printed; rejects where it failed. */
export async function runTool(name: string, args: readonly string[]): Promise<string> {
  const { code, signal, stdout, stderr } = await runProgram(toolPath(name), args);
  if (code === 0) return stdout;
  throw new Error(`${name} ended with ${signal ?? code}:\n${stderr.slice(-2000)}`);
}

/**
 * Runs one of the programs for the lines that it prints, of which there must be `count`, and
 * gives their groups. At its end it does not wait for its own log, whose last lines are lost now
 * and then; so it may try again.
 */
export async function linesOf(
  name: string,
  args: readonly string[],
  line: RegExp,
  count: number,
): Promise<string[][]> {
  let printed = '';
  for (let attempt = 0; attempt < 5; attempt++) {
    printed = await runTool(name, args);
    const lines = [...printed.matchAll(line)].map(([, ...groups]) => groups);
    if (lines.length === count) return lines;
  }
  throw new Error(`${name} did not print ${count} lines like ${line}:\n${printed.slice(-1000)}`);
}

/** Keeps what a test observed, for `scripts/oracles.mjs` to print at the end. */
export function report(name: string, lines: readonly string[]): Promise<void> {
  return writeFile(join(folder, 'reports', `${name}.txt`), `${lines.join('\n')}\n`);
}
