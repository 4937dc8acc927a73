// Loads the addon, from build/Release (a source build) or else from prebuilds/. The only entry point to native code for
// both ESM and CommonJS, imported as '#addon'. If the addon is missing, the error explains how to build it; if a bundler
// has separated this file from the addon, the error explains how to keep them together.
'use strict';

// Not `require`, which finds nothing outside of the bundle in esbuild's ES modules.
const { existsSync } = process.getBuiltinModule('node:fs');
const { join } = process.getBuiltinModule('node:path');
const root = require('./root.cjs');

const bundled =
  'autocog-lm has been bundled without its native addon, which cannot be part of a bundle. ' +
  'Mark autocog-lm as external, so that it is loaded from node_modules at run time. ' +
  'esbuild: --external:autocog-lm; ' +
  "webpack: externalsType: 'node-commonjs', externals: [/^autocog-lm(\\/|$)/]; " +
  'rollup: external: [/^autocog-lm(\\/|$)/]';

function load() {
  if (!existsSync(join(root, 'native', 'root.cjs'))) {
    throw Object.assign(new Error(bundled), { code: 'ADDON_NOT_FOUND' });
  }
  try {
    return require('node-gyp-build')(root);
  } catch (cause) {
    const platform = `${process.platform}-${process.arch}, Node ${process.version}`;
    // The addon itself throws NOT_SUPPORTED if the CPU is too old for it.
    const reason =
      cause.code === 'NOT_SUPPORTED'
        ? cause.message
        : 'The native addon of autocog-lm was not found or failed to load';
    const message =
      `${reason} (${platform}). ` +
      'Build it from source: npm rebuild autocog-lm --foreground-scripts (in a clone: npm run build:native). ' +
      'This requires git, CMake 3.21 or later, make or ninja, and a C++17 compiler ' +
      '(Debian: apt-get install git cmake ninja-build g++).';
    throw Object.assign(new Error(message, { cause }), { code: 'ADDON_NOT_FOUND' });
  }
}

module.exports = load();
