// `npm run bench [-- trials…] [--rounds N] [--threads N]`: makes and installs what the trials
// need, once, and runs them. See README.md.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, PlainError } from '../scripts/run.mjs';
import { bareProgram } from './bare.mjs';
import { benchModel } from './make-model.mjs';
import { nodeLlamaCpp } from './peers.mjs';
import { printHead } from './report.mjs';
import { choose } from './trials/choose.mjs';
import { greedy } from './trials/greedy.mjs';
import { many } from './trials/many.mjs';

const trials = { choose, greedy, many };

function parse() {
  const options = { rounds: { type: 'string' }, threads: { type: 'string' } };
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new PlainError(error.message);
  }
}

function readArguments() {
  const { values, positionals } = parse();
  const count = (name) => {
    if (values[name] === undefined) return undefined;
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1) throw new PlainError(`--${name} wants a count`);
    return value;
  };
  const unknown = positionals.find((name) => !Object.hasOwn(trials, name));
  if (unknown) throw new PlainError(`no trial ${unknown}: ${Object.keys(trials).join(', ')}`);
  const names = positionals.length > 0 ? positionals : Object.keys(trials);
  return { names, rounds: count('rounds'), threads: count('threads') ?? 2 };
}

async function importPackage() {
  try {
    return await import('autocog-lm');
  } catch (error) {
    throw new PlainError(`autocog-lm is not built here (${error.message}). Run: npm run build:all`);
  }
}

await main(import.meta.url, async () => {
  const { names, rounds, threads } = readArguments();
  const { getBackends, Model, TokenChoiceTree } = await importPackage();
  const bare = bareProgram();
  const peers = nodeLlamaCpp();
  const model = benchModel();
  printHead(getBackends(), threads);
  const vocabulary = await Model.load(model, { vocabOnly: true });
  const folder = mkdtempSync(join(tmpdir(), 'autocog-bench-'));
  const setup = { model, vocabulary, TokenChoiceTree, bare, peers, folder, rounds, threads };
  try {
    for (const name of names) await trials[name](setup);
  } finally {
    rmSync(folder, { recursive: true });
    await vocabulary.close();
  }
});
