// Sanitizers of clang 16 over all of llama.cpp and our own code: `npm run test:sanitize` runs the engine's tests under
// AddressSanitizer and UBSan, `-- thread` under ThreadSanitizer. `-- addon [FILES]` runs tests of the package in Node
// with an addon under AddressSanitizer and UBSan, `-- addon fuzz KIND [OPTIONS]` a fuzzer.
import { availableParallelism } from 'node:os';
import { runEngineTests } from './engine-tests.mjs';
import { fetchLlama } from './fetch-llama.mjs';
import { main, onPath, PlainError, run } from './run.mjs';
import { buildSanitizedAddon, runAddonTests, runFuzzer } from './sanitize/addon.mjs';
import { conclude } from './tally.mjs';

/** What can run, each with the folder of its build: these sanitizers cannot be combined. */
const kinds = {
  address: { folder: 'build-sanitize', sanitizers: 'address;undefined' },
  thread: { folder: 'build-thread', sanitizers: 'thread' },
};

function checkCompiler() {
  if (!onPath('clang++-16'))
    throw new PlainError('the sanitizers need clang 16 (Debian: apt-get install clang-16)');
}

function build({ folder, sanitizers }) {
  fetchLlama();
  const options = {
    CMAKE_C_COMPILER: 'clang-16',
    CMAKE_CXX_COMPILER: 'clang++-16',
    AUTOCOG_TESTS: 'ON',
    AUTOCOG_SANITIZE: sanitizers,
  };
  const defines = Object.entries(options).map(([name, value]) => `-D${name}=${value}`);
  const generator = onPath('ninja') ? ['-G', 'Ninja'] : [];
  run('cmake', ['-S', '.', '-B', folder, ...generator, ...defines]);
  const jobs = ['--parallel', String(availableParallelism())];
  run('cmake', ['--build', folder, '--target', 'engine_tests', ...jobs]);
}

export function runSanitized(kind = 'address') {
  if (!Object.hasOwn(kinds, kind)) {
    throw new PlainError(`usage: npm run test:sanitize -- [${Object.keys(kinds).join('|')}|addon]`);
  }
  checkCompiler();
  build(kinds[kind]);
  return runEngineTests(kinds[kind].folder);
}

function runAddon([what, ...args]) {
  checkCompiler();
  buildSanitizedAddon();
  if (what === 'fuzz') runFuzzer(args);
  else conclude([runAddonTests(what === undefined ? undefined : [what, ...args])]);
}

await main(import.meta.url, () => {
  const [kind, ...args] = process.argv.slice(2);
  if (kind === 'addon') return runAddon(args);
  return conclude([runSanitized(kind)]);
});
