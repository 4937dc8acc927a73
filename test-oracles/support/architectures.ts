// Scores tiny random models of every architecture. architectures.test.ts checks the results.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server } from './server.js';
import { runProgram, runTool } from './tools.js';

const fixture = join('test-oracles', 'fixtures', 'architecture.mjs');

/** The result of test-oracles/fixtures/architecture.mjs for one configuration of a model. */
export type Attempt = { architecture: string; slidingWindow: number; picked?: number } & (
  | {
      outcome: 'scored';
      /** The largest difference from brute force; a string if it is not finite. */
      worst: number | string;
      ways: Record<string, number | string>[];
      count: number;
      sensitivity: number | string;
      /** The error if the context cannot be longer than the training context. */
      limit?: string;
      prompt: number[];
      next: (number | string)[];
      /** Of an encoder-decoder: what was scored after the prompt, and its log-probabilities. */
      paths?: number[][];
      truths?: (number | string)[][];
    }
  | { outcome: 'refused'; reason: string; cause: string }
  | { outcome: 'failed'; reason: string; cause: string }
);

/** A model, and its result in each configuration. */
export interface Trial {
  name: string;
  attempts: Attempt[];
  /** How its process ended, if it crashed. */
  death: string | undefined;
  /**
   * If scored: the largest difference of its next-token distribution from llama-server's; for
   * encoder-decoders, which that server does not support, of its scores from encode-decode's.
   */
  fromProgram: number | undefined;
}

/** The names of all models that write-model can write. */
export async function modelNames(): Promise<string[]> {
  return (await runTool('write-model', [])).trim().split('\n');
}

async function compareWithEncodeDecode(
  file: string,
  prompt: readonly number[],
  paths: readonly (readonly number[])[],
  truths: readonly (readonly (number | string)[])[] = [],
): Promise<number> {
  const printed = await runTool('encode-decode', [file, prompt.join(), ...paths.map(String)]);
  const theirs = printed.trim().split(/\s+/).map(Number);
  const own = truths.flat().map(Number);
  if (own.length !== theirs.length) return Number.NaN;
  return own.reduce((worst, value, index) => {
    return Math.max(worst, Math.abs(value - (theirs[index] as number)));
  }, 0);
}

async function compareWithProgram(file: string, attempt: Attempt | undefined) {
  if (attempt?.outcome !== 'scored') return undefined;
  const { paths, truths } = attempt;
  if (paths !== undefined) return compareWithEncodeDecode(file, attempt.prompt, paths, truths);
  await using server = await Server.start(file, 192);
  const { prompt, next } = attempt;
  const theirs = await server.distribution(prompt, next.length);
  // NaN if any value is NaN.
  return next.reduce<number>(
    (worst, own, token) => Math.max(worst, Math.abs(Number(own) - (theirs[token] as number))),
    0,
  );
}

async function tryModel(name: string, folder: string): Promise<Trial> {
  const file = join(folder, `${name}.gguf`);
  try {
    await runTool('write-model', [name, file]);
    const { code, signal, stdout, stderr } = await runProgram(process.execPath, [fixture, file]);
    if (code !== 0) {
      const death = `${signal ?? code}: ${stderr.slice(0, 1000)}`;
      return { name, attempts: [], death, fromProgram: undefined };
    }
    const attempts = JSON.parse(stdout) as Attempt[];
    const fromProgram = await compareWithProgram(file, attempts[0]);
    return { name, attempts, death: undefined, fromProgram };
  } finally {
    await rm(file, { force: true });
  }
}

/** Tries the models, `concurrency` at a time, which also limits the disk space for their files. */
export async function tryModels(names: readonly string[], concurrency: number): Promise<Trial[]> {
  const folder = await mkdtemp(join(tmpdir(), 'autocog-architectures-'));
  const waiting = [...names];
  const trials: Trial[] = [];
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      trials.push(await tryModel(name, folder));
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, work));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return trials.sort((a, b) => (a.name < b.name ? -1 : 1));
}
