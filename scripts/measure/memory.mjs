// The memory that models and contexts take of a process: `npm run measure:memory [-- FILE.gguf]`, for the default model or
// the file. Linux only: the proportional set size (Pss) of /proc/self/smaps_rollup, in which pages that processes share
// count in parts. docs/scaling.md has a table.
import { existsSync, readFileSync } from 'node:fs';
import { defaultModelPath, LLaMa, Model } from 'autocog-lm';
import { main, PlainError } from '../run.mjs';

const rollup = '/proc/self/smaps_rollup';
const contextSize = 4096;

/** In megabytes. */
function proportionalSize() {
  const [, kilobytes] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(rollup, 'utf8'));
  return (Number(kilobytes) * 1024) / 1e6;
}

function report(what) {
  globalThis.gc?.();
  console.log(`| ${what} | ${proportionalSize().toFixed(0)} MB |`);
}

/** A context that has decoded, since its buffers are allocated then. */
async function used(model) {
  const lm = new LLaMa(model, { threads: 2, contextSize });
  await lm.choose('The capital of France is', [' Paris', ' Rome']);
  return lm;
}

await main(import.meta.url, async () => {
  if (!existsSync(rollup)) throw new PlainError(`there is no ${rollup}`);
  const file = process.argv[2] ?? defaultModelPath;
  report('the package alone');
  const model = await Model.load(file, { gpuLayers: 0 });
  // Reads all weights, which are mapped until then.
  const first = await used(model);
  report(`a model and a context of ${contextSize} tokens`);
  const second = await used(model);
  report('and a second context');
  const again = await Model.load(file, { gpuLayers: 0 });
  report('and a second load of the file');
  const third = await used(again);
  report('with a context');
  for (const each of [first, second, third, model, again]) await each.close();
});
