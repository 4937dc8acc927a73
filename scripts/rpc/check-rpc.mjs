// The RPC backend with llama.cpp's own server program, both built from the vendored tree into build-rpc and used by a
// copy of the package, so that the checkout's own addon stays: the same answers as on this machine's CPU, and a typed
// error for every way to lose a server. `npm run check:rpc`, optionally with names of checks.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cmakeJs, installAddon, nativeOptions, programFolder } from '../build-native.mjs';
import { buildTs } from '../build-ts.mjs';
import { fetchLlama } from '../fetch-llama.mjs';
import { checkRequirements } from '../requirements.mjs';
import { main, PlainError, root, run } from '../run.mjs';
import { conclude } from '../tally.mjs';
import { names } from './checks.mjs';

const folder = join(root, process.env.AUTOCOG_BUILD_FOLDER ?? 'build-rpc');
const copy = join(folder, 'package');

function build() {
  checkRequirements();
  fetchLlama();
  buildTs();
  const parallel = ['--parallel', String(availableParallelism())];
  if (!existsSync(join(folder, 'CMakeCache.txt'))) {
    const defines = { ...nativeOptions(), AUTOCOG_RPC: 'ON' };
    cmakeJs(
      'configure',
      folder,
      Object.entries(defines).map(([name, value]) => `--CD${name}=${value}`),
    );
  }
  run('cmake', ['--build', folder, '--target', 'autocog', 'ggml-rpc-server', ...parallel]);
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const name of ['dist', 'models/default.gguf', 'native', 'package.json', 'scripts/rpc']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  installAddon(join(folder, 'Release'), copy);
}

/** Each check has a process of its own, which has to end well. It prints its results as lines of JSON. */
function runCheck(name) {
  const { status, signal, stdout } = spawnSync(
    process.execPath,
    [join(copy, 'scripts', 'rpc', 'checks.mjs'), name],
    {
      cwd: copy,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 300_000,
      killSignal: 'SIGKILL',
      env: { ...process.env, AUTOCOG_RPC_SERVER: join(programFolder(folder), 'ggml-rpc-server') },
    },
  );
  const results = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  results.push({
    what: 'the process ends with 0',
    ok: status === 0,
    detail: signal ?? `${status}`,
  });
  for (const { what, ok, detail } of results) {
    console.log(`| ${name} | ${what} | ${ok ? 'yes' : '**no**'} | ${detail ?? ''} |`);
  }
  const failed = results.filter(({ ok }) => !ok).length;
  return { passed: results.length - failed, failed };
}

await main(import.meta.url, () => {
  if (process.platform === 'win32') throw new PlainError('check:rpc needs POSIX signals');
  const chosen = process.argv.slice(2);
  build();
  console.log('| check | what | | |\n|---|---|---|---|');
  conclude((chosen.length > 0 ? chosen : names).map(runCheck));
});
