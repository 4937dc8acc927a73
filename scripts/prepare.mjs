// npm's `prepare`: compiles lib/ and, where this is the `npm install` or `npm ci` of a clone, builds the addon. Packing and
// publishing need no addon of this machine, and nothing of this runs where the package is installed from a registry.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildNative } from './build-native.mjs';
import { buildTs } from './build-ts.mjs';
import { main, root } from './run.mjs';

// npm sets the latter while it packs a git dependency, a clone of which only the files of the package are kept.
const packing =
  ['pack', 'publish'].includes(process.env.npm_command) ||
  process.env._PACOTE_NO_PREPARE_ !== undefined;

await main(import.meta.url, () => {
  buildTs();
  if (!packing && existsSync(join(root, '.git'))) buildNative();
});
