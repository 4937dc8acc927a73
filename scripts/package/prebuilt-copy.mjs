// A copy of the package without build/Release, so that its prebuilt addon is loaded. For check-variants.mjs and
// check-cross.mjs.
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../run.mjs';

/** Copies what a program needs of the package, with `prebuilds/`, to `folder`/node_modules/autocog-lm. */
export function copyPrebuilt(folder) {
  const modules = join(folder, 'node_modules');
  const home = join(modules, 'autocog-lm');
  mkdirSync(home, { recursive: true });
  for (const item of ['package.json', 'dist', 'models/default.gguf', 'prebuilds']) {
    cpSync(join(root, item), join(home, item), { recursive: true });
  }
  for (const name of ['load', 'places', 'root']) {
    cpSync(join(root, 'native', `${name}.cjs`), join(home, 'native', `${name}.cjs`));
  }
  const dependency = 'node-gyp-build';
  cpSync(join(root, 'node_modules', dependency), join(modules, dependency), { recursive: true });
}
