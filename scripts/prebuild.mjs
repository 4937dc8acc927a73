// Writes a portable, stripped addon to prebuilds/<platform>-<arch>/ with prebuildify, node-gyp and binding.gyp, and beside
// it the CPU backend for each generation of CPUs. `npm run prebuild` builds for this machine, `npm run prebuild -- NAME` for
// a platform of package/targets.mjs, on Debian 12. There must be no npm script named "build": npm would run this one
// before it.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { installAddon } from './build-native.mjs';
import { describeSymbols } from './package/check-symbols.mjs';
import { crossFolder, targetOf } from './package/targets.mjs';
import { installZig } from './package/zig.mjs';
import { requirePrograms } from './requirements.mjs';
import { main, PlainError, root, run } from './run.mjs';

/** This machine, in the form of package/targets.mjs. */
function ownTarget() {
  const { libc } = createRequire(import.meta.url)('../native/places.cjs');
  const { platform, arch } = process;
  const own = libc();
  // Addons for glibc and musl share a folder, where only one of them can have libraries.
  return { platform, arch, libc: own || undefined, variants: own !== 'musl', strip: 'strip' };
}

/** The environment of scripts/build-native.mjs. */
function environment(name, { toolchain, compiler, variants }) {
  const env = {
    ...process.env,
    AUTOCOG_NATIVE: 'OFF',
    AUTOCOG_TESTS: 'OFF',
    AUTOCOG_VARIANTS: variants ? 'ON' : 'OFF',
  };
  if (name !== undefined) {
    env.AUTOCOG_BUILD_FOLDER = relative(root, join(crossFolder, name));
    env.CMAKE_TOOLCHAIN_FILE = join(root, 'cmake', 'toolchains', toolchain);
    env.CXX = compiler;
  }
  // node-gyp requires Node's headers although the shim compiles nothing. Using this Node's own avoids a download.
  const prefix = dirname(dirname(process.execPath));
  if (existsSync(join(prefix, 'include', 'node', 'node_api.h'))) env.npm_config_nodedir = prefix;
  return env;
}

/** Deletes what an earlier build has left there; addons of glibc and musl share a folder, where only glibc's has others. */
function clean(folder, { libc }) {
  if (!existsSync(folder)) return;
  const isMusl = (file) => file.endsWith('.musl.node');
  for (const file of readdirSync(folder)) {
    if (isMusl(file) === (libc === 'musl')) rmSync(join(folder, file));
  }
}

/** @param name a platform of package/targets.mjs; this machine by default */
export function prebuild(name) {
  const target = name === undefined ? ownTarget() : targetOf(name);
  if (target.programs) requirePrograms(`building for ${name}`, target.programs);
  if (target.zig) installZig();
  const folder = join(root, 'prebuilds', `${target.platform}-${target.arch}`);
  clean(folder, target);
  const program = createRequire(import.meta.url).resolve('prebuildify/bin');
  const args = ['--napi', '--strip', `--strip-bin=${target.strip}`];
  args.push(`--platform=${target.platform}`, `--arch=${target.arch}`);
  if (target.libc !== undefined) args.push(`--tag-libc=${target.libc}`);
  try {
    run(process.execPath, [program, ...args, '--target', process.versions.node], {
      cwd: root,
      env: environment(name, target),
    });
  } finally {
    restoreOwn();
  }
  if (process.platform !== 'linux') return;
  for (const line of describeSymbols(folder)) console.log(line);
}

/** node-gyp has deleted the addon that this clone uses, and prebuildify has left libraries of the other one. */
function restoreOwn() {
  const own = join(root, 'build-cmake', 'Release');
  const used = join(root, 'build', 'Release');
  if (existsSync(join(own, 'autocog.node'))) installAddon(own);
  else if (existsSync(used)) rmSync(used, { recursive: true });
}

await main(import.meta.url, () => {
  const names = process.argv.slice(2);
  if (names.length > 1) throw new PlainError(`Expected one platform, got ${names.join(' ')}`);
  prebuild(names[0]);
});
