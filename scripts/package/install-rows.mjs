// The rows of `npm run check:install`: a package manager, runtime, bundler or neighbour each, with how it installs the
// tarball and how it runs a program there. Commands start with `npm`, `node`, or a tool of the row's own.
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  besideLlamaCpp,
  besideOnnxRuntime,
  bundlers,
  jestTest,
  nextApplication,
  parallelPrograms,
  programs,
  twoCopies,
} from './install-programs.mjs';

/**
 * @typedef {object} Row
 * @property {(tarball: string) => string[][]} install the commands, in order
 * @property {(file: string) => string[]} [run] the command for a program; `node FILE` by default
 * @property {Record<string, string>} [files] what is in the folder before installing; the two common programs by default
 * @property {string[]} [programs] the files to run; those two by default
 * @property {RegExp} [expected] the output
 * @property {Record<string, string | undefined>} [env] for all commands
 * @property {string | string[]} [version] what reports the version of what is tried: a command, or a package of the folder
 * @property {string} [node] the release of Node, from npm; the one that runs this by default
 * @property {Record<string, string>} [tools] packages that are installed beside, not in the folder
 * @property {(folder: string) => object} [before] after installing; returns options of spawn for the programs
 */

const npmInstall = (...packages) => [
  'npm',
  'install',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--prefer-offline',
  ...packages,
];
const npx = (tool, ...args) => ['npm', 'exec', '--yes', `--package=${tool}`, '--', ...args];
const berry = (...args) => npx('@yarnpkg/cli-dist@4', 'yarn', ...args);
const node = (file) => ['node', file];
const common = Object.keys(programs);
const byNpm = { install: (file) => [npmInstall(file)] };
const nodeVersion = ['node', '--version'];

const isReachable = (folder, user) =>
  spawnSync(process.execPath, ['-e', ''], { cwd: folder, ...user }).status === 0;

/** A user other than the owner, one that the system does not know, who can only read. */
function asStranger(folder) {
  const visit = (path) => {
    const isFolder = statSync(path).isDirectory();
    chmodSync(path, isFolder ? 0o555 : 0o444);
    if (isFolder) for (const name of readdirSync(path)) visit(join(path, name));
  };
  visit(join(folder, 'node_modules'));
  chmodSync(folder, 0o555);
  const stranger = { uid: 54_321, gid: 54_321 };
  // Only root can be someone else, who may be unable to reach this Node or the folder, in root's home.
  if (process.getuid?.() === 0 && isReachable(folder, stranger)) return stranger;
  console.log('(No other user can be tried here: as the same user.)');
  return {};
}

const bundler = (name, version, release) => ({
  install: (file) => [npmInstall(file, `${version}@${release}`), node('build.mjs')],
  version,
  files: { ...programs, 'build.mjs': bundlers[name] },
  programs: common.map((file) => join('dist', file)),
});

/** @type {Record<string, Row>} */
export const rows = {
  npm: { ...byNpm, version: ['npm', '--version'] },
  'npm 10': {
    install: (file) => [npx('npm@10', ...npmInstall(file))],
    version: npx('npm@10', 'npm', '--version'),
  },
  'npm 12': {
    install: (file) => [['npm@12', 'install', '--no-audit', file]],
    version: ['npm@12', '--version'],
    node: '22',
    tools: { 'npm@12': 'npm/bin/npm-cli.js' },
  },
  'pnpm 10': {
    install: (file) => [npx('pnpm@10', 'pnpm', 'add', file)],
    version: npx('pnpm@10', 'pnpm', '--version'),
  },
  pnpm: {
    install: (file) => [npx('pnpm@latest', 'pnpm', 'add', file)],
    version: npx('pnpm@latest', 'pnpm', '--version'),
    node: '22',
  },
  'yarn classic': {
    install: (file) => [npx('yarn@1', 'yarn', 'add', `file:${file}`)],
    version: npx('yarn@1', 'yarn', '--version'),
  },
  'yarn berry, node-modules': {
    install: (file) => [berry('add', `autocog-lm@file:${file}`)],
    run: (file) => berry('node', file),
    version: berry('--version'),
    env: { YARN_NODE_LINKER: 'node-modules', YARN_ENABLE_IMMUTABLE_INSTALLS: '0' },
    files: { ...programs, 'yarn.lock': '' },
  },
  "yarn berry, Plug'n'Play": {
    install: (file) => [berry('add', `autocog-lm@file:${file}`)],
    run: (file) => berry('node', file),
    version: berry('--version'),
    env: { YARN_ENABLE_IMMUTABLE_INSTALLS: '0' },
    files: { ...programs, 'yarn.lock': '' },
  },
  bun: {
    install: (file) => [npx('bun@1', 'bun', 'add', file)],
    run: (file) => npx('bun@1', 'bun', file),
    version: npx('bun@1', 'bun', '--version'),
  },
  deno: {
    ...byNpm,
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
    version: npx('deno@2', 'deno', '--version'),
  },
  'Node 20.17': { ...byNpm, version: nodeVersion, node: '20.17.0' },
  'Node 22': { ...byNpm, version: nodeVersion, node: '22' },
  'Node 24': { ...byNpm, version: nodeVersion, node: '24' },
  'unknown user, read-only, no HOME': {
    ...byNpm,
    before: (folder) => ({
      ...asStranger(folder),
      env: { HOME: undefined, AUTOCOG_CACHE: undefined },
    }),
  },
  'workers, child process, cluster': {
    ...byNpm,
    files: parallelPrograms,
    programs: ['parallel.cjs'],
  },
  'two copies': {
    install: (file) => [npmInstall(`first@file:${file}`, `second@file:${file}`)],
    files: twoCopies,
    programs: ['copies.mjs'],
  },
  'beside node-llama-cpp': {
    install: (file) => [
      npmInstall(
        '--omit=optional',
        file,
        'node-llama-cpp@3',
        `@node-llama-cpp/${process.platform}-${process.arch}@3`,
      ),
    ],
    version: 'node-llama-cpp',
    files: besideLlamaCpp,
    programs: Object.keys(besideLlamaCpp),
  },
  'beside onnxruntime-node': {
    install: (file) => [npmInstall(file, 'onnxruntime-node@1')],
    version: 'onnxruntime-node',
    files: besideOnnxRuntime,
    programs: Object.keys(besideOnnxRuntime),
  },
  Jest: {
    install: (file) => [npmInstall(file, 'jest@30')],
    version: 'jest',
    files: jestTest,
    programs: Object.keys(jestTest),
    run: (file) => ['node', 'node_modules/jest/bin/jest.js', file],
    expected: /^Tests: +1 passed, 1 total$/m,
  },
  esbuild: bundler('esbuild', 'esbuild', 0),
  webpack: bundler('webpack', 'webpack', 5),
  rollup: bundler('rollup', 'rollup', 4),
  'vite SSR': {
    ...bundler('vite SSR', 'vite', 8),
    programs: ['program.mjs', 'program.cjs', 'default.mjs', 'all-but-this.mjs'].map((file) =>
      join('dist', file),
    ),
    node: '22',
  },
  'Next.js': {
    install: (file) => [
      npmInstall(file, 'next@16', 'react@19', 'react-dom@19'),
      ['node', 'node_modules/next/dist/bin/next', 'build'],
    ],
    version: 'next',
    files: nextApplication,
    programs: ['read.cjs'],
    env: { NEXT_TELEMETRY_DISABLED: '1' },
  },
};
for (const row of Object.values(rows)) {
  row.files ??= programs;
  row.programs ??= common;
  row.run ??= node;
  row.expected ??= /^ Paris prebuilt$/m;
}
