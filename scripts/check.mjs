// All checks of CI: `npm run check`. Continues after a failure, so that one run shows all of them; a failed step counts as
// one failure in the last line.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { checkApi } from './api-report.mjs';
import { buildNative } from './build-native.mjs';
import { buildTs } from './build-ts.mjs';
import { checkDocs } from './check-docs.mjs';
import { checkRooms } from './check-rooms.mjs';
import { runEngineTests } from './engine-tests.mjs';
import { lint } from './lint.mjs';
import { runOracles } from './oracles.mjs';
import { checkInstall } from './package/check-install.mjs';
import { checkSymbols } from './package/check-symbols.mjs';
import { main, PlainError, root, run } from './run.mjs';
import { runSanitized } from './sanitize.mjs';
import { conclude } from './tally.mjs';
import { runTap } from './test.mjs';

const script = (name) => () => run(process.execPath, [join(root, 'scripts', name)]);
const publint = () =>
  run(process.execPath, [
    join(createRequire(import.meta.url).resolve('publint'), '..', 'cli.js'),
    '--strict',
  ]);

/** Rows of `npm run check:install` that need nothing of the registry beyond the package's own dependency. */
const installs = [
  'unknown user, read-only, no HOME',
  'workers, child process, cluster',
  'two copies',
];

const steps = {
  lint,
  rooms: checkRooms,
  documents: checkDocs,
  'binding contract': script('check-binding.mjs'),
  'TypeScript build': buildTs,
  'public API': checkApi,
  'native build': buildNative,
  symbols: () => {
    if (process.platform === 'linux') checkSymbols(join(root, 'build', 'Release'));
  },
  'AMX stores': script('check-amx.mjs'),
  publint,
  installs: () => checkInstall(installs),
  'engine tests': () => runEngineTests('build-cmake'),
  tests: runTap,
  oracles: () => runOracles(),
  'engine tests, sanitized': () => runSanitized(),
};

await main(import.meta.url, () => {
  const tallies = [];
  for (const [name, step] of Object.entries(steps)) {
    console.log(`\n== ${name}`);
    const start = Date.now();
    try {
      const tally = step();
      if (tally?.passed !== undefined) tallies.push(tally);
    } catch (error) {
      console.error(error instanceof PlainError ? `${name}: ${error.message}` : error);
      tallies.push({ passed: 0, failed: 1 });
    }
    console.log(`   ${name}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
  }
  conclude(tallies);
});
