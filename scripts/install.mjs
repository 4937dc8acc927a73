// npm's install step. Where a prebuilt addon loads: done at once, in silence. In a clone, or where none fits, or where
// AUTOCOG_* options ask for another build (AUTOCOG_CUDA=1 npm install): builds from source, with progress shown.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildNative, nativeOptions } from './build-native.mjs';
import { capture, main, root } from './run.mjs';

const inClone = existsSync(join(root, '.git'));

// In a process of its own: an addon that is wrong for this machine may crash, and loading it would lock its file.
function addonLoads() {
  return capture(process.execPath, ['-e', "require('./native/load.cjs')"]) !== null;
}

await main(import.meta.url, () => {
  if (!inClone && Object.keys(nativeOptions()).length === 0 && addonLoads()) return;
  buildNative();
  if (inClone) return;
  // In somebody's node_modules only the addon is of use; a later build fetches the sources again from the cache.
  for (const folder of ['llama.cpp', 'build-cmake', 'build-portable'])
    rmSync(join(root, folder), { recursive: true, force: true });
});
