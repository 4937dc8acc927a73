// Runs the engine's own tests, an executable that prints TAP. `npm run test:native`; with --sanitize, `npm run
// test:sanitize`, it builds them and all of llama.cpp with the address and undefined behavior sanitizers of clang 16.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { buildNative } from './build-native.mjs';
import { fetchLlama } from './fetch-llama.mjs';
import { main, onPath, PlainError, root, run } from './run.mjs';
import { conclude, count } from './tally.mjs';

/** Runs engine_tests of a build folder and returns its tally. */
export function runEngineTests(folder) {
  const program = join(
    root,
    folder,
    'bin',
    process.platform === 'win32' ? 'engine_tests.exe' : 'engine_tests',
  );
  const { stdout, status, signal, error } = spawnSync(program, [], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
    // Leaks and reports of undefined behavior must fail the run instead of only being printed.
    env: {
      ...process.env,
      ASAN_OPTIONS: 'detect_leaks=1',
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
    },
    timeout: 1_200_000,
  });
  if (error) throw new PlainError(`${program}: ${error.message}`);
  const tally = count(stdout, status === 0);
  if (tally.failed > 0) console.log(stdout);
  console.log(
    `${folder}/bin/engine_tests: ${tally.passed} passed, ${tally.failed} failed${signal ? ` (${signal})` : ''}`,
  );
  return tally;
}

export function runSanitized() {
  if (!onPath('clang++-16'))
    throw new PlainError('the sanitizers need clang 16 (Debian: apt-get install clang-16)');
  fetchLlama();
  const options = {
    CMAKE_C_COMPILER: 'clang-16',
    CMAKE_CXX_COMPILER: 'clang++-16',
    AUTOCOG_TESTS: 'ON',
    AUTOCOG_SANITIZE: 'address;undefined',
  };
  const defines = Object.entries(options).map(([name, value]) => `-D${name}=${value}`);
  const generator = onPath('ninja') ? ['-G', 'Ninja'] : [];
  run('cmake', ['-S', '.', '-B', 'build-sanitize', ...generator, ...defines]);
  run('cmake', [
    '--build',
    'build-sanitize',
    '--target',
    'engine_tests',
    '--parallel',
    String(availableParallelism()),
  ]);
  return runEngineTests('build-sanitize');
}

await main(import.meta.url, () => {
  if (process.argv.includes('--sanitize')) return conclude([runSanitized()]);
  buildNative();
  conclude([runEngineTests('build-cmake')]);
});
