// llama.cpp's own programs that the bench compares with. They are built like the addon, by the
// script of `npm run test:oracles`, unless environment variables name other binaries.

import { join } from 'node:path';
import { programFolder } from '../scripts/build-native.mjs';
import { root, run } from '../scripts/run.mjs';
import { addonBuild } from './bare.mjs';

let built;

async function program(name, variable) {
  if (process.env[variable]) return process.env[variable];
  // Imported on demand, since most trials do not need it.
  built ??= import('../scripts/oracles.mjs').then(({ buildOracles }) => buildOracles());
  await built;
  return join(root, 'build-oracles', 'bin', name);
}

/** The path of llama-perplexity; LLAMA_PERPLEXITY names another. */
export const perplexityProgram = () => program('llama-perplexity', 'LLAMA_PERPLEXITY');

/** The path of llama-bench; LLAMA_BENCH names another. `gpu`: with the addon's backends, of its build. */
export function llamaBenchProgram(gpu) {
  if (!gpu || process.env.LLAMA_BENCH) return program('llama-bench', 'LLAMA_BENCH');
  run('cmake', ['--build', addonBuild, '--target', 'llama-bench'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return join(programFolder(addonBuild), 'llama-bench');
}
