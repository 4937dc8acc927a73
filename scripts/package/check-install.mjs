// Installs the packed tarball with package managers and runtimes, without scripts, in folders with a space and letters
// outside ASCII in their names, and runs a program there as an ES module and as CommonJS: a table with a row for each.
// `npm run check:install`, or `npm run check:install -- npm pnpm` for some of them. They come from the npm registry.
// Needs `npm run prebuild` before.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { capture, main, npmCommand, PlainError, root } from '../run.mjs';

const program = (load) => `${load}
async function program() {
  const lm = await LLaMa.load(defaultModelPath, { threads: 1 });
  const { text } = await lm.choose('The capital of France is', [' Paris', ' Rome'], { details: true });
  await lm.close();
  console.log(text, getBackends().addon.source);
}
program();
`;
const names = 'defaultModelPath, getBackends, LLaMa';
const programs = {
  'program.mjs': program(`import { ${names} } from 'autocog-lm';`),
  'program.cjs': program(`const { ${names} } = require('autocog-lm');`),
};
const expected = ' Paris prebuilt';

const npx = (tool, ...args) => ['npm', 'exec', '--yes', `--package=${tool}`, '--', ...args];
const node = (file) => ['node', file];

/** Per package manager: how it installs the tarball, and how it runs a program. */
const managers = {
  npm: { install: (file) => ['npm', 'install', '--ignore-scripts', '--no-audit', file], run: node },
  pnpm: { install: (file) => npx('pnpm@10', 'pnpm', 'add', file), run: node },
  'yarn classic': {
    install: (file) => npx('yarn@1', 'yarn', 'add', '--ignore-scripts', `file:${file}`),
    run: node,
  },
  'yarn berry, PnP': {
    install: (file) => npx('@yarnpkg/cli-dist@4', 'yarn', 'add', `autocog-lm@file:${file}`),
    run: (file) => npx('@yarnpkg/cli-dist@4', 'yarn', 'node', file),
    env: { YARN_ENABLE_SCRIPTS: '0', YARN_ENABLE_IMMUTABLE_INSTALLS: '0' },
    files: { 'yarn.lock': '' },
  },
  bun: {
    install: (file) => npx('bun@1', 'bun', 'add', '--ignore-scripts', file),
    run: (file) => npx('bun@1', 'bun', file),
  },
  deno: {
    install: (file) => ['npm', 'install', '--ignore-scripts', '--no-audit', file],
    run: (file) =>
      npx(
        'deno@2',
        'deno',
        'run',
        '--allow-ffi',
        '--allow-read',
        '--allow-env',
        '--allow-sys',
        file,
      ),
  },
};

function execute(command, folder, env) {
  const [name, ...args] = command;
  const [program, ...before] =
    name === 'npm' ? npmCommand() : [name === 'node' ? process.execPath : name];
  // What npm passes on to its scripts concerns this package, not the one that is installed.
  const own = Object.entries(process.env).filter(
    ([key]) => !/^(npm_|NODE_OPTIONS$|INIT_CWD$)/.test(key),
  );
  return spawnSync(program, [...before, ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 300_000,
    env: { ...Object.fromEntries(own), AUTOCOG_CACHE: join(folder, 'no cache'), ...env },
  });
}

const lastLine = (text) => text.trim().split('\n').at(-1)?.slice(0, 160) ?? '';

/** Runs one row: undefined if all is well, or what is not. */
function check({ install, run, env = {}, files = {} }, tarball, base) {
  const folder = mkdtempSync(join(base, 'a project é '));
  writeFileSync(join(folder, 'package.json'), '{ "name": "project", "private": true }\n');
  for (const [name, text] of Object.entries({ ...programs, ...files })) {
    writeFileSync(join(folder, name), text);
  }
  const installed = execute(install(tarball), folder, env);
  if (installed.status !== 0) {
    return `install: ${lastLine(installed.stderr || installed.stdout) || installed.signal}`;
  }
  for (const file of Object.keys(programs)) {
    const { status, stdout, stderr } = execute(run(file), folder, env);
    if (status !== 0 || lastLine(stdout) !== expected.trim()) {
      return `${file}: ${lastLine(stderr || stdout) || `exit code ${status}`}`;
    }
  }
  return undefined;
}

export function checkInstall(chosen) {
  const unknown = chosen.filter((name) => !(name in managers));
  if (unknown.length > 0) {
    throw new PlainError(`Expected some of ${Object.keys(managers).join(', ')}, got ${unknown}`);
  }
  if (!existsSync(join(root, 'prebuilds'))) throw new PlainError('first: npm run prebuild');
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'autocog-lm-install-')));
  try {
    const [npm, ...before] = npmCommand();
    const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', base];
    const name = capture(npm, [...before, ...args]);
    if (name === null) throw new PlainError('npm pack failed');
    const tarball = join(base, basename(name.split('\n').at(-1)));
    mkdirSync(join(base, 'projects'));
    const failed = [];
    for (const name of chosen.length > 0 ? chosen : Object.keys(managers)) {
      const failure = check(managers[name], tarball, join(base, 'projects'));
      console.log(`| ${name} | ${failure ?? 'works'} |`);
      if (failure !== undefined) failed.push(name);
    }
    if (failed.length > 0) throw new PlainError(`does not work with ${failed.join(', ')}`);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

await main(import.meta.url, () => checkInstall(process.argv.slice(2)));
