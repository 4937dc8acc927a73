// Builds the addon with cmake-js and installs it where node-gyp-build looks first: build/Release/autocog.node.
// AUTOCOG_* environment variables become CMake options of the same name (see CMakeLists.txt). Called by
// `npm run build:native`, by install.mjs, and by binding.gyp for node-gyp and prebuildify.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
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
import { main, root, run } from './run.mjs';

const options = ['NATIVE', 'CUDA', 'VULKAN', 'METAL', 'RPC', 'TESTS', 'TOOLS'].map(
  (name) => `AUTOCOG_${name}`,
);

/** The AUTOCOG_* options set in the environment, with their values normalized to ON and OFF. */
export function nativeOptions() {
  const set = options.filter((name) => process.env[name]);
  return Object.fromEntries(
    set.map((name) => [name, /^(0|off|no|false)$/i.test(process.env[name]) ? 'OFF' : 'ON']),
  );
}

export function buildNative() {
  checkRequirements();
  fetchLlama();
  const defines = nativeOptions();
  // A portable build changes every object of ggml. Separate folders keep both builds incremental.
  const folder = join(root, defines.AUTOCOG_NATIVE === 'OFF' ? 'build-portable' : 'build-cmake');
  configure(folder, defines);
  cmakeJs('build', folder, ['--parallel', String(availableParallelism())]);
  installAddon(join(folder, 'Release', 'autocog.node'));
}

// cmake-js configures only an empty folder; this reconfigures when options, Node or the CPU change.
function configure(folder, defines) {
  const stamp = join(folder, 'autocog-configured.json');
  const configuration = JSON.stringify({
    defines,
    node: process.version,
    cpu: cpus()[0]?.model,
    compiler: process.env.CXX,
  });
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === configuration) return;
  rmSync(join(folder, 'CMakeCache.txt'), { force: true });
  cmakeJs(
    'configure',
    folder,
    Object.entries(defines).map(([name, value]) => `--CD${name}=${value}`),
  );
  writeFileSync(stamp, configuration);
}

function cmakeJs(command, folder, args) {
  const script = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  run(process.execPath, [script, command, '--out', folder, '--log-level', 'warn', ...args]);
}

// By rename: a process that has loaded the old addon keeps it, while overwriting the file would crash it.
function installAddon(built) {
  const folder = join(root, 'build', 'Release');
  mkdirSync(folder, { recursive: true });
  copyFileSync(built, join(folder, 'autocog.node.new'));
  renameSync(join(folder, 'autocog.node.new'), join(folder, 'autocog.node'));
}

await main(import.meta.url, buildNative);
