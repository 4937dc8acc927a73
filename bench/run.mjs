// `npm run bench [-- trials…] [--rounds N] [--threads N] [--gpu]`: builds and installs what the trials need,
// once, and runs them. See README.md.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, PlainError } from '../scripts/run.mjs';
import { barePrograms } from './bare.mjs';
import { DelayLog, reportDelays } from './event-loop.mjs';
import { printGoals } from './goals.mjs';
import { benchModel } from './make-model.mjs';
import { nodeLlamaCpp } from './peers.mjs';
import { llamaBenchProgram, perplexityProgram } from './programs.mjs';
import { printHead } from './report.mjs';
import { automaton } from './trials/automaton.mjs';
import { decide } from './trials/decide.mjs';
import { generate } from './trials/generate.mjs';
import { grammar } from './trials/grammar.mjs';
import { greedy } from './trials/greedy.mjs';
import { hybrid } from './trials/hybrid.mjs';
import { kernels } from './trials/kernels.mjs';
import { levels } from './trials/levels.mjs';
import { many } from './trials/many.mjs';
import { memory } from './trials/memory.mjs';
import { options } from './trials/options.mjs';
import { prompts } from './trials/prompts.mjs';
import { search } from './trials/search.mjs';
import { served } from './trials/served.mjs';
import { start } from './trials/start.mjs';
import { tiny } from './trials/tiny.mjs';
import { together } from './trials/together.mjs';
import { tree } from './trials/tree.mjs';

const choosing = { tree, hybrid, many, search, prompts, greedy, memory };
const generating = { generate, tiny, together, start, grammar };
const automata = { automaton };
const siblings = { served, levels };
const deciding = { decide, options };
const computing = { kernels };
const trials = { ...computing, ...choosing, ...generating, ...automata, ...siblings, ...deciding };
/** Trials that also run with all layers on a GPU, without node-llama-cpp. */
const onGpu = ['tree', 'many', 'generate'];
/** Names of groups of trials. */
const groups = {
  kernels: Object.keys(computing),
  choose: Object.keys(choosing),
  generation: Object.keys(generating),
  automata: Object.keys(automata),
  siblings: Object.keys(siblings),
  decisions: Object.keys(deciding),
};

function parse() {
  const options = {
    rounds: { type: 'string' },
    threads: { type: 'string' },
    gpu: { type: 'boolean', default: false },
  };
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
    if (!Number.isInteger(value) || value < 1)
      throw new PlainError(`--${name} must be a positive integer`);
    return value;
  };
  const known = [...Object.keys(groups), ...Object.keys(trials)];
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown) throw new PlainError(`unknown trial ${unknown}; known: ${known.join(', ')}`);
  const requested = positionals.length > 0 ? positionals : Object.keys(groups);
  const names = new Set(
    values.gpu && positionals.length === 0
      ? onGpu
      : requested.flatMap((name) => groups[name] ?? name),
  );
  const other = [...names].find((name) => values.gpu && !onGpu.includes(name));
  if (other) throw new PlainError(`--gpu is for ${onGpu.join(', ')}, not for ${other}`);
  return { names, rounds: count('rounds'), threads: count('threads') ?? 2, gpu: values.gpu };
}

async function importPackage() {
  try {
    return await import('autocog-lm');
  } catch (error) {
    throw new PlainError(`autocog-lm is not built (${error.message}). Run: npm run build:all`);
  }
}

await main(import.meta.url, async () => {
  const { names, rounds, threads, gpu } = readArguments();
  const { defaultModelPath, getBackends, Model, TokenChoiceTree } = await importPackage();
  const backends = getBackends();
  const gpus = backends.devices.filter(({ type }) => /gpu/.test(type));
  if (gpu && gpus.length === 0) throw new PlainError('--gpu: there is none');
  const barePaths = barePrograms();
  const peers = gpu ? undefined : nodeLlamaCpp();
  const programs = {
    perplexity: names.has('prompts') ? await perplexityProgram() : undefined,
    llamaBench: names.has('generate') ? await llamaBenchProgram(gpu) : undefined,
  };
  const model = benchModel();
  printHead(backends, threads, gpu ? gpus : []);
  const vocabulary = await Model.load(model, { vocabOnly: true });
  const folder = mkdtempSync(join(tmpdir(), 'autocog-bench-'));
  const models = { model, defaultModel: defaultModelPath, vocabulary };
  const setup = {
    ...models,
    Model,
    TokenChoiceTree,
    ...barePaths,
    peers,
    ...programs,
    folder,
    rounds,
    threads,
    gpuLayers: gpu ? 'all' : 0,
  };
  const delays = new DelayLog();
  const goals = new Map();
  const errors = [];
  try {
    for (const name of names) {
      try {
        goals.set(name, await trials[name]({ ...setup, log: (seen) => delays.add(name, seen) }));
      } catch (error) {
        if (!(error instanceof PlainError)) throw error;
        errors.push(`${name}: ${error.message}`);
        console.error(errors.at(-1));
      }
    }
    goals.set('event loop', reportDelays(delays));
    printGoals(goals);
    if (errors.length > 0) throw new PlainError(errors.join('\n'));
  } finally {
    rmSync(folder, { recursive: true });
    await vocabulary.close();
  }
});
