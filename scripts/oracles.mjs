// Tests the package against llama.cpp's own programs: builds those from the vendored tree, like the addon, and runs
// test-oracles. `npm run test:oracles`, optionally with names of test files.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { buildNative, nativeOptions } from './build-native.mjs';
import { buildTs } from './build-ts.mjs';
import { fetchLlama } from './fetch-llama.mjs';
import { checkRequirements } from './requirements.mjs';
import { main, onPath, root, run } from './run.mjs';
import { conclude } from './tally.mjs';
import { runTap } from './test.mjs';

const folder = 'build-oracles';
const tests = 'test-oracles';
/** Where the tests write their observations: see test-oracles/support/tools.ts. */
const reports = join(root, folder, 'reports');

/** Builds llama-bench, llama-perplexity, llama-server, write-model and encode-decode into build-oracles/bin. */
export function buildOracles() {
  checkRequirements();
  fetchLlama();
  const { AUTOCOG_NATIVE = 'ON' } = nativeOptions();
  const options = {
    AUTOCOG_NATIVE,
    AUTOCOG_TESTS: 'OFF',
    AUTOCOG_TOOLS: 'ON',
    // The same define as cmake-js passes, so that ccache reuses the addon's objects.
    CMAKE_CXX_FLAGS: '-DBUILDING_NODE_EXTENSION',
  };
  const defines = Object.entries(options).map(([name, value]) => `-D${name}=${value}`);
  const generator = onPath('ninja') ? ['-G', 'Ninja'] : [];
  run('cmake', ['-S', '.', '-B', folder, ...generator, ...defines]);
  const parallel = ['--parallel', String(availableParallelism())];
  run('cmake', ['--build', folder, '--target', 'oracles', ...parallel]);
}

/** Builds the oracles, runs the tests against them, prints their observations, and returns their tally. */
export function runOracles(files = []) {
  buildOracles();
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const all = readdirSync(join(root, tests)).filter((file) => file.endsWith('.test.ts'));
  const chosen = files.length > 0 ? files : all.map((file) => `${tests}/${file}`);
  // All architectures together exceed tap's default timeout per file.
  const tally = runTap(['--timeout=1800', ...chosen]);
  for (const file of existsSync(reports) ? readdirSync(reports).sort() : []) {
    console.log(`\n${readFileSync(join(reports, file), 'utf8').trimEnd()}`);
  }
  return tally;
}

await main(import.meta.url, () => {
  buildTs();
  buildNative();
  conclude([runOracles(process.argv.slice(2))]);
});
