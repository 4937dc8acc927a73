// Runs the engine's own tests, an executable that prints TAP. `npm run test:native`; with --sanitize, `npm run
// test:sanitize`, it builds them and all of llama.cpp with the address and undefined behavior sanitizers of clang 16, and
// with `npm run test:sanitize -- thread` with the thread sanitizer.
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
      TSAN_OPTIONS: `halt_on_error=1:suppressions=${join(root, 'native', 'test', 'tsan.supp')}`,
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

/** Sanitizers that cannot be combined, each with the folder of its build. */
const sanitized = {
  address: { folder: 'build-sanitize', sanitizers: 'address;undefined' },
  thread: { folder: 'build-thread', sanitizers: 'thread' },
};

export function runSanitized(kind = 'address') {
  if (!Object.hasOwn(sanitized, kind)) {
    throw new PlainError(`usage: npm run test:sanitize -- ${Object.keys(sanitized).join('|')}`);
  }
  const { folder, sanitizers } = sanitized[kind];
  if (!onPath('clang++-16'))
    throw new PlainError('the sanitizers need clang 16 (Debian: apt-get install clang-16)');
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
  run('cmake', [
    '--build',
    folder,
    '--target',
    'engine_tests',
    '--parallel',
    String(availableParallelism()),
  ]);
  return runEngineTests(folder);
}

await main(import.meta.url, () => {
  if (process.argv[2] === '--sanitize') return conclude([runSanitized(process.argv[3])]);
  buildNative();
  conclude([runEngineTests('build-cmake')]);
});
