// Where addons of this package are: those that the package contains, and the one that `npx autocog-lm build` has built.
// That one is kept outside of node_modules, so that reinstalling does not lose it. load.cjs and the command use it.
'use strict';

// Not `require`, which finds nothing outside of the bundle in esbuild's ES modules.
const { closeSync, openSync, readFileSync, readSync } = process.getBuiltinModule('node:fs');
const { homedir } = process.getBuiltinModule('node:os');
const { join, resolve } = process.getBuiltinModule('node:path');
const root = require('./root.cjs');

/** 'glibc' or 'musl' on Linux, otherwise ''; from the interpreter in the header of Node's executable. */
function libc() {
  if (process.platform !== 'linux') return '';
  try {
    const header = Buffer.alloc(4096);
    const file = openSync(process.execPath, 'r');
    try {
      readSync(file, header, 0, header.length, 0);
    } finally {
      closeSync(file);
    }
    return header.includes('/ld-musl-') ? 'musl' : 'glibc';
  } catch {
    return 'glibc';
  }
}

/** Platform, architecture and C library of this process, e.g. `linux-x64-glibc`. */
function target() {
  return [process.platform, process.arch, libc()].filter(Boolean).join('-');
}

/** $AUTOCOG_CACHE, or ~/.cache/autocog-lm; undefined for a user without a home. */
function cacheFolder() {
  if (process.env.AUTOCOG_CACHE) return resolve(process.env.AUTOCOG_CACHE);
  try {
    return join(homedir(), '.cache', 'autocog-lm');
  } catch {
    return undefined;
  }
}

/** The folder of the addon that was built from source for this release and platform; undefined without a cache. */
function builtFolder() {
  const cache = cacheFolder();
  if (cache === undefined) return undefined;
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return join(cache, 'addons', `${version}-${target()}`);
}

module.exports = { builtFolder, cacheFolder, libc, target };
