// Installs the packages that the bench compares with, in the cache instead of the package.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlainError, run } from '../scripts/run.mjs';
import { cached } from './cache.mjs';

const version = '3.22.1';
/** The CPU binary of each platform; node-llama-cpp names them in its optional dependencies. */
const binaries = {
  'darwin-arm64': 'mac-arm64-metal',
  'darwin-x64': 'mac-x64',
  'linux-arm64': 'linux-arm64',
  'linux-x64': 'linux-x64',
  'win32-arm64': 'win-arm64',
  'win32-x64': 'win-x64',
};

/** Installs node-llama-cpp; returns the folder that has its node_modules. */
export function nodeLlamaCpp() {
  const platform = `${process.platform}-${process.arch}`;
  const binary = binaries[platform];
  if (binary === undefined) throw new PlainError(`node-llama-cpp has no binary for ${platform}`);
  return cached(`node-llama-cpp-${version}`, (folder) => {
    console.log(`installing node-llama-cpp ${version} (85 MB, once)`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    // With all of its optional packages it would be 725 MB.
    const flags = ['--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'];
    const names = [`node-llama-cpp@${version}`, `@node-llama-cpp/${binary}@${version}`];
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const shell = process.platform === 'win32';
    run(npm, ['install', '--loglevel=error', ...flags, ...names], { cwd: folder, shell });
  });
}
