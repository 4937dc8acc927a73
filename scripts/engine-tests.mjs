// Runs the engine's own tests, an executable that prints TAP: `npm run test:native`.
import { spawnSync } from 'node:child_process';
import { join, relative } from 'node:path';
import { buildNative, programFolder } from './build-native.mjs';
import { main, PlainError, root } from './run.mjs';
import { conclude, count } from './tally.mjs';

/** Runs engine_tests of a build folder and returns its tally. */
export function runEngineTests(folder) {
  const program = join(
    programFolder(join(root, folder)),
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
    `${relative(root, program)}: ${tally.passed} passed, ${tally.failed} failed${signal ? ` (${signal})` : ''}`,
  );
  return tally;
}

await main(import.meta.url, () => {
  buildNative();
  conclude([runEngineTests('build-cmake')]);
});
