// Builds, runs the TypeScript tests (tap) and the engine tests, and ends with `N passed, N failed`.
// `npm test`, or `npm test -- test/choose/bounds.test.ts` to run only some TypeScript tests.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { buildNative } from './build-native.mjs';
import { buildTs } from './build-ts.mjs';
import { runEngineTests } from './engine-tests.mjs';
import { main, root } from './run.mjs';
import { conclude, count } from './tally.mjs';

/** Runs tap on all of test/ or on the given files of a copy of this package, and returns its tally. */
export function runTap(files = [], folder = root) {
  const output = join(folder, '.tap', 'results.tap');
  mkdirSync(dirname(output), { recursive: true });
  rmSync(output, { force: true });
  const tap = createRequire(import.meta.url).resolve('tap/package.json');
  const program = join(dirname(tap), 'dist', 'esm', 'run.mjs');
  // A terminal gets tap's own live report; a log gets the summary below.
  const reporter = process.stdout.isTTY ? [] : ['--reporter=silent'];
  const args = [program, 'run', ...reporter, `--output-file=${output}`, ...files];
  const { status } = spawnSync(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const tally = count(readFileSync(output, 'utf8'), status === 0);
  for (const [file, { passed, failed }] of tally.files) {
    console.log(`${file}: ${passed} passed, ${failed} failed`);
  }
  for (const { name, diag } of tally.failures) {
    console.log(`failed: ${name}\n${inspect(diag, { depth: 4 })}`);
  }
  console.log(`tap: ${tally.passed} passed, ${tally.failed} failed`);
  return tally;
}

await main(import.meta.url, () => {
  buildTs();
  buildNative();
  const files = process.argv.slice(2);
  if (files.length > 0) return conclude([runTap(files)]);
  conclude([runTap(), runEngineTests('build-cmake')]);
});
