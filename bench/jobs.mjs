// How each contender is started, and its job. Jobs are passed as files in the run's temporary
// folder; the bare engine and the peers get the tree that the package builds.

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const contenders = join(dirname(fileURLToPath(import.meta.url)), 'contenders');

/** llama.cpp's number for all layers. */
const allLayers = 999;
const layersOf = ({ gpuLayers }) => String(gpuLayers === 'all' ? allLayers : gpuLayers);

/** KV cache cells of this package and of the bare engine. */
export const contextSize = 4096;

function write(setup, name, content) {
  const file = join(setup.folder, name);
  writeFileSync(file, content);
  return file;
}

/** `job`: see contenders/autocog-lm.mjs. Model, threads and context size have defaults. */
export function autocogLm(setup, key, name, job) {
  const { model, threads, gpuLayers } = setup;
  const defaults = { model, threads, contextSize, gpuLayers };
  const file = write(setup, `${key}.json`, JSON.stringify({ ...defaults, ...job }));
  const args = [join(contenders, 'autocog-lm.mjs'), file];
  return { key, name, command: process.execPath, args, isOurs: true };
}

/** `job`: see contenders/autocog-lm-generation.mjs, with the same defaults. */
export function autocogLmGeneration(setup, key, name, job) {
  const spec = autocogLm(setup, key, name, job);
  return { ...spec, args: [join(contenders, 'autocog-lm-generation.mjs'), spec.args[1]] };
}

/** `job`: see contenders/autocog-lm-siblings.mjs, with the same defaults. */
export function autocogLmSibling(setup, key, name, job) {
  const spec = autocogLm(setup, key, name, job);
  const script = join(contenders, 'autocog-lm-siblings.mjs');
  return { ...spec, args: [script, spec.args[1]], isOurs: false };
}

/** Generates up to `maxTokens` tokens after each prompt; prompts are token ids. */
export function nodeLlamaCppGeneration(setup, key, name, job) {
  const { model, threads, peers } = setup;
  const file = write(setup, `${key}.json`, JSON.stringify({ model, threads, ...job }));
  const script = join(contenders, 'node-llama-cpp-generation.mjs');
  return { key, name, command: process.execPath, args: [script, peers, file] };
}

/** `test`: llama-bench's token counts `prompt`, `generate` and `depth`. */
export function llamaBench(setup, key, name, test) {
  const { model, threads, gpuLayers, llamaBench: program } = setup;
  const job = { program, model, threads, gpuLayers, test };
  const file = write(setup, `${key}.json`, JSON.stringify(job));
  const script = join(contenders, 'llama-bench.mjs');
  return { key, name, command: process.execPath, args: [script, file] };
}

/** Both packages, from process start to the first token after `prompt`. */
export function starts(setup, prompt) {
  const { model, threads, gpuLayers, peers } = setup;
  const job = { model, threads, gpuLayers, contextSize, prompt };
  const file = write(setup, 'start.json', JSON.stringify(job));
  const spec = (key, ...args) => {
    const script = join(contenders, `${key}-start.mjs`);
    return { key, name: key, command: process.execPath, args: [script, ...args] };
  };
  return [spec('autocog-lm', file), spec('node-llama-cpp', peers, file)];
}

/** One llama_decode of the inner nodes of `tree`, without the package. */
/** `needsRow`: whether the logits after a node are computed; default: after every node. */
export function bare(setup, key, name, prompt, tree, needsRow = () => true) {
  const nodes = Array.from(tree.tokens, (token, node) => {
    return `${token} ${tree.parents[node]} ${Number(needsRow(node))}`;
  });
  const lines = [prompt.length, prompt.join(' '), nodes.length, ...nodes];
  const file = write(setup, `${key}.txt`, `${lines.join('\n')}\n`);
  return {
    key,
    name,
    command: setup.bare,
    args: [setup.model, file, String(setup.threads), layersOf(setup)],
  };
}

/** Decodes of beams of equal length after a prompt, without the package; `mode`: see bare/beams.cc. */
export function bareBeams(setup, key, name, prompt, beams, mode) {
  const [{ length }] = beams;
  const lines = [prompt.length, prompt.join(' '), beams.length, length];
  lines.push(...beams.map((tokens) => tokens.join(' ')));
  const file = write(setup, `${key}.txt`, `${lines.join('\n')}\n`);
  return {
    ...{ key, name, command: setup.beams },
    args: [setup.model, file, String(setup.threads), layersOf(setup), mode],
  };
}

/** `job`: see contenders/autocog-lm-automaton.mjs, with the defaults of {@link autocogLm}. */
export function autocogLmAutomaton(setup, key, name, job) {
  const spec = autocogLm(setup, key, name, job);
  return { ...spec, args: [join(contenders, 'autocog-lm-automaton.mjs'), spec.args[1]] };
}

export function nodeLlamaCpp(setup, key, name, prompt, tree, strategy, contextSize) {
  const { model, threads, peers } = setup;
  const nodes = {
    tokens: [...tree.tokens],
    parents: [...tree.parents],
    paths: tree.paths.map((_, path) => [...tree.nodesOf(path)]),
  };
  const job = { model, threads, contextSize, strategy, prompt: [...prompt], tree: nodes };
  const file = write(setup, `${key}.json`, JSON.stringify(job));
  const script = join(contenders, 'node-llama-cpp.mjs');
  return { key, name, command: process.execPath, args: [script, peers, file] };
}

/** `job`: `states`, `questions`, and whether the state is cached; see the contender. */
export function nodeLlamaCppDecide(setup, key, name, job) {
  const { model, threads, peers } = setup;
  const file = write(setup, `${key}.json`, JSON.stringify({ model, threads, contextSize, ...job }));
  const script = join(contenders, 'node-llama-cpp-decide.mjs');
  return { key, name, command: process.execPath, args: [script, peers, file] };
}
