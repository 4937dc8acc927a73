// Sanitizers of clang 16 over all of llama.cpp and our own code: `npm run test:sanitize` runs the engine's tests under
// AddressSanitizer and UBSan, `-- thread` under ThreadSanitizer. `-- addon` runs a part of the fuzzers in Node with an
// addon that was built with the first two.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { runEngineTests } from './engine-tests.mjs';
import { fetchLlama } from './fetch-llama.mjs';
import { capture, main, onPath, PlainError, root, run } from './run.mjs';
import { conclude } from './tally.mjs';

const require = createRequire(import.meta.url);

/** What can run, each with the folder of its build: these sanitizers cannot be combined. */
const kinds = {
  address: { folder: 'build-sanitize', sanitizers: 'address;undefined', target: 'engine_tests' },
  thread: { folder: 'build-thread', sanitizers: 'thread', target: 'engine_tests' },
  addon: { folder: 'build-sanitize', sanitizers: 'address;undefined', target: 'autocog' },
};

/** The runs of fuzzers for the addon: a minute on two cores. */
const fuzzRuns = { calls: 150, models: 80, states: 150, adapters: 100, grammars: 40 };

function build({ folder, sanitizers, target }) {
  if (!onPath('clang++-16'))
    throw new PlainError('the sanitizers need clang 16 (Debian: apt-get install clang-16)');
  fetchLlama();
  // cmake-js would configure for the compiler of the ordinary build.
  const headers = ['node-api-headers', 'node-addon-api'].map((each) =>
    resolve(require(each).include_dir),
  );
  const options = {
    CMAKE_C_COMPILER: 'clang-16',
    CMAKE_CXX_COMPILER: 'clang++-16',
    CMAKE_JS_VERSION: require('cmake-js/package.json').version,
    CMAKE_JS_INC: headers.join(';'),
    AUTOCOG_TESTS: 'ON',
    AUTOCOG_SANITIZE: sanitizers,
  };
  const defines = Object.entries(options).map(([name, value]) => `-D${name}=${value}`);
  const generator = onPath('ninja') ? ['-G', 'Ninja'] : [];
  run('cmake', ['-S', '.', '-B', folder, ...generator, ...defines]);
  const jobs = ['--parallel', String(availableParallelism())];
  run('cmake', ['--build', folder, '--target', target, ...jobs]);
}

/** Runs fuzzers with the addon of a build folder, and returns their tally. */
function fuzzAddon(folder) {
  const release = join(root, folder, 'build', 'Release');
  mkdirSync(release, { recursive: true });
  copyFileSync(join(root, folder, 'autocog.node'), join(release, 'autocog.node'));
  const runtime = capture('clang-16', ['-print-file-name=libclang_rt.asan-x86_64.so']).trim();
  const env = {
    ...process.env,
    // Where node-gyp-build looks for it.
    AUTOCOG_LM_PREBUILD: join(root, folder),
    LD_PRELOAD: runtime,
    // Node itself frees little at its end.
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  };
  const tally = { passed: 0, failed: 0 };
  for (const [kind, runs] of Object.entries(fuzzRuns)) {
    const args = [kind, '--seed', '15', '--runs', String(runs), '--models', 'models'];
    const script = join(root, 'scripts', 'fuzz.mjs');
    const { status } = spawnSync(process.execPath, [script, ...args], { env, stdio: 'inherit' });
    tally[status === 0 ? 'passed' : 'failed']++;
  }
  return tally;
}

export function runSanitized(kind = 'address') {
  if (!Object.hasOwn(kinds, kind)) {
    throw new PlainError(`usage: npm run test:sanitize -- ${Object.keys(kinds).join('|')}`);
  }
  build(kinds[kind]);
  const { folder } = kinds[kind];
  return kind === 'addon' ? fuzzAddon(folder) : runEngineTests(folder);
}

await main(import.meta.url, () => conclude([runSanitized(process.argv[2])]));
