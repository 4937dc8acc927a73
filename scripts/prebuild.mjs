// Writes a portable, stripped addon to prebuilds/<platform>-<arch>/ with prebuildify, node-gyp and binding.gyp, and beside
// it the CPU backend for each generation of CPUs. `npm run prebuild`. There must be no npm script named "build": npm would
// run this one before it.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { installAddon } from './build-native.mjs';
import { checkSymbols } from './package/check-symbols.mjs';
import { main, root, run } from './run.mjs';

export function prebuild() {
  const program = createRequire(import.meta.url).resolve('prebuildify/bin');
  const args = ['--napi', '--strip', '--tag-libc', '--target', process.versions.node];
  const env = {
    ...process.env,
    AUTOCOG_NATIVE: 'OFF',
    AUTOCOG_TESTS: 'OFF',
    AUTOCOG_VARIANTS: 'ON',
  };
  // node-gyp requires Node's headers although the shim compiles nothing. Using this Node's own avoids a download.
  const prefix = dirname(dirname(process.execPath));
  if (existsSync(join(prefix, 'include', 'node', 'node_api.h'))) env.npm_config_nodedir = prefix;
  run(process.execPath, [program, ...args], { cwd: root, env });
  if (process.platform === 'linux') {
    const folder = join(root, 'prebuilds', `linux-${process.arch}`);
    const versions = checkSymbols(folder, { portable: true });
    console.log(`needs at most ${Object.values(versions).join(', ')}`);
  }
  // prebuildify has moved the addon away that this clone uses.
  const own = join(root, 'build-cmake', 'Release');
  if (existsSync(join(own, 'autocog.node'))) installAddon(own);
}

await main(import.meta.url, prebuild);
