// npm's install step. Does nothing if a prebuilt addon loads. In a clone, without a matching prebuild, or if AUTOCOG_*
// options request another build (AUTOCOG_CUDA=1 npm install), builds from source and shows progress.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildNative, nativeOptions } from './build-native.mjs';
import { capture, main, root } from './run.mjs';

const inClone = existsSync(join(root, '.git'));

// In a separate process: an incompatible addon may crash, and loading it would lock its file.
function addonLoads() {
  return capture(process.execPath, ['-e', "require('./native/load.cjs')"]) !== null;
}

await main(import.meta.url, () => {
  if (!inClone && Object.keys(nativeOptions()).length === 0 && addonLoads()) return;
  buildNative();
  if (inClone) return;
  // As a dependency, only the addon is needed; a later build fetches the sources from the cache again.
  for (const folder of ['llama.cpp', 'build-cmake', 'build-portable'])
    rmSync(join(root, folder), { recursive: true, force: true });
});
