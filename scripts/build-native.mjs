// Builds the addon with cmake-js and installs it where native/load.cjs looks first: build/Release/autocog.node.
// AUTOCOG_* environment variables become CMake options of the same name (see CMakeLists.txt). Called by
// `npm run build:native`, by prepare.mjs, by package/build-addon.mjs, and by binding.gyp for node-gyp and prebuildify.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fetchLlama } from './fetch-llama.mjs';
import { checkRequirements } from './requirements.mjs';
import { capture, main, root, run } from './run.mjs';

const options = ['NATIVE', 'CUDA', 'VULKAN', 'METAL', 'RPC', 'VARIANTS', 'TESTS', 'TOOLS'].map(
  (name) => `AUTOCOG_${name}`,
);

/** The AUTOCOG_* options set in the environment, with their values normalized to ON and OFF. */
export function nativeOptions() {
  const set = options.filter((name) => process.env[name]);
  return Object.fromEntries(
    set.map((name) => [name, /^(0|off|no|false)$/i.test(process.env[name]) ? 'OFF' : 'ON']),
  );
}

/** The folder of a build: each kind has its own, so that all of them stay incremental. */
function buildFolder(defines) {
  if (process.env.AUTOCOG_BUILD_FOLDER) return join(root, process.env.AUTOCOG_BUILD_FOLDER);
  return join(root, defines.AUTOCOG_NATIVE === 'OFF' ? 'build-portable' : 'build-cmake');
}

export function buildNative() {
  const defines = nativeOptions();
  checkRequirements(defines);
  fetchLlama();
  const folder = buildFolder(defines);
  configure(folder, defines);
  cmakeJs('build', folder, ['--parallel', String(availableParallelism())]);
  installAddon(join(folder, 'Release'));
}

// cmake-js configures only an empty folder, and CMake keeps the compiler that it found first. This starts anew when
// options, Node, the CPU, the compiler or its toolchain file change, or when the checkout was moved.
function configure(folder, defines) {
  const stamp = join(folder, 'autocog-configured.json');
  const toolchain = process.env.CMAKE_TOOLCHAIN_FILE;
  const variables = ['CC', 'CXX', 'CFLAGS', 'CXXFLAGS', 'LDFLAGS', 'CMAKE_GENERATOR'];
  variables.push('CUDACXX', 'CUDAARCHS');
  const configuration = JSON.stringify({
    defines,
    root,
    node: process.version,
    cpu: cpus()[0]?.model,
    environment: variables.map((name) => process.env[name]),
    compilers: [process.env.CC ?? 'cc', process.env.CXX ?? 'c++'].map(compilerVersion),
    toolchain: toolchain && [
      toolchain,
      createHash('sha256').update(readFileSync(toolchain)).digest('hex'),
    ],
  });
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === configuration) return;
  for (const name of ['CMakeCache.txt', 'CMakeFiles', 'Release', 'autocog-configured.json'])
    rmSync(join(folder, name), { recursive: true, force: true });
  cmakeJs(
    'configure',
    folder,
    Object.entries(defines).map(([name, value]) => `--CD${name}=${value}`),
  );
  writeFileSync(stamp, configuration);
}

/** The first line of `CXX --version`; CXX may have arguments, and ccache before it. */
function compilerVersion(command) {
  const [program, ...args] = command.split(/\s+/);
  return capture(program, [...args, '--version'])?.split('\n')[0] ?? null;
}

/** Where a build has its programs: beside ggml's backends, if these are files of their own. */
export function programFolder(folder) {
  const release = join(folder, 'Release');
  const isShared =
    existsSync(release) && readdirSync(release).some((name) => /autocog-ggml/.test(name));
  return isShared ? release : join(folder, 'bin');
}

export function cmakeJs(command, folder, args) {
  const script = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  run(process.execPath, [script, command, '--out', folder, '--log-level', 'warn', ...args]);
}

// By rename: a process that has loaded the old files keeps them, while overwriting them would crash it.
export function installAddon(source, target = root) {
  const folder = join(target, 'build', 'Release');
  mkdirSync(folder, { recursive: true });
  const library = /\.(node|so|dylib|dll)$/;
  const built = readdirSync(source).filter((name) => library.test(name));
  for (const name of built) {
    copyFileSync(join(source, name), join(folder, `${name}.new`));
    renameSync(join(folder, `${name}.new`), join(folder, name));
  }
  // node-gyp has files of its own there.
  const stale = readdirSync(folder).filter((name) => library.test(name) && !built.includes(name));
  for (const name of stale) rmSync(join(folder, name));
}

await main(import.meta.url, buildNative);
