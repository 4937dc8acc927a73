// The contenders of the trials: how each is started and what it is handed. Jobs go by files in
// a folder of the run's own; the tree that the bare engine and the peers get is the package's.

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const contenders = join(dirname(fileURLToPath(import.meta.url)), 'contenders');

/** Cells of the KV buffer of this package and of the bare engine. */
export const contextSize = 4096;

function write(setup, name, content) {
  const file = join(setup.folder, name);
  writeFileSync(file, content);
  return file;
}

/** `job` is what contenders/autocog-lm.mjs describes, model, threads and context size excepted; another `model` may be given. */
export function autocogLm(setup, key, name, job) {
  const { model, threads } = setup;
  const file = write(setup, `${key}.json`, JSON.stringify({ model, threads, contextSize, ...job }));
  const args = [join(contenders, 'autocog-lm.mjs'), file];
  return { key, name, command: process.execPath, args, isOurs: true };
}

/** `job` is what contenders/autocog-lm-writing.mjs describes, likewise. */
export function autocogLmWriting(setup, key, name, job) {
  const spec = autocogLm(setup, key, name, job);
  return { ...spec, args: [join(contenders, 'autocog-lm-writing.mjs'), spec.args[1]] };
}

/** `job` is what contenders/autocog-lm-siblings.mjs describes, likewise. */
export function autocogLmSibling(setup, key, name, job) {
  const spec = autocogLm(setup, key, name, job);
  const script = join(contenders, 'autocog-lm-siblings.mjs');
  return { ...spec, args: [script, spec.args[1]], isOurs: false };
}

/** Texts of at most `maxTokens` after each of the prompts, which are token ids. */
export function nodeLlamaCppWriting(setup, key, name, job) {
  const { model, threads, peers } = setup;
  const file = write(setup, `${key}.json`, JSON.stringify({ model, threads, ...job }));
  const script = join(contenders, 'node-llama-cpp-writing.mjs');
  return { key, name, command: process.execPath, args: [script, peers, file] };
}

/** `test`: the counts of llama-bench's `prompt`, `generate` and `depth`. */
export function llamaBench(setup, key, name, test) {
  const { model, threads, llamaBench: program } = setup;
  const file = write(setup, `${key}.json`, JSON.stringify({ program, model, threads, test }));
  const script = join(contenders, 'llama-bench.mjs');
  return { key, name, command: process.execPath, args: [script, file] };
}

/** Both packages from nothing to the first token after `prompt`. */
export function starts(setup, prompt) {
  const { model, threads, peers } = setup;
  const job = { model, threads, contextSize, prompt };
  const file = write(setup, 'start.json', JSON.stringify(job));
  const spec = (key, ...args) => {
    const script = join(contenders, `${key}-start.mjs`);
    return { key, name: key, command: process.execPath, args: [script, ...args] };
  };
  return [spec('autocog-lm', file), spec('node-llama-cpp', peers, file)];
}

/** One llama_decode of the inner nodes of `tree`. */
export function bare(setup, key, name, prompt, tree) {
  const nodes = Array.from(tree.tokens, (token, node) => `${token} ${tree.parents[node]}`);
  const lines = [prompt.length, prompt.join(' '), nodes.length, ...nodes];
  const file = write(setup, `${key}.txt`, `${lines.join('\n')}\n`);
  return { key, name, command: setup.bare, args: [setup.model, file, String(setup.threads)] };
}

export function nodeLlamaCpp(setup, key, name, prompt, tree, strategy) {
  const { model, threads, peers } = setup;
  const nodes = {
    tokens: [...tree.tokens],
    parents: [...tree.parents],
    paths: tree.paths.map((_, path) => [...tree.nodesOf(path)]),
  };
  const job = { model, threads, strategy, prompt: [...prompt], tree: nodes };
  const file = write(setup, `${key}.json`, JSON.stringify(job));
  const script = join(contenders, 'node-llama-cpp.mjs');
  return { key, name, command: process.execPath, args: [script, peers, file] };
}
