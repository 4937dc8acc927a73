// Loads the addon: build/Release (a source build) before prebuilds/. The one door to native code for ESM and CommonJS
// alike, as '#addon'. It says what to do when there is no addon.
'use strict';

const { join } = require('node:path');

function load() {
  try {
    return require('node-gyp-build')(join(__dirname, '..'));
  } catch (cause) {
    const where = `${process.platform}-${process.arch}, Node ${process.version}`;
    // The addon itself says NOT_SUPPORTED where it loads but the CPU is too old for it.
    const why =
      cause.code === 'NOT_SUPPORTED'
        ? cause.message
        : 'The native addon of autocog-lm was not found or does not load';
    const message =
      `${why} (${where}). ` +
      'Build it from source: npm rebuild autocog-lm --foreground-scripts (in a clone: npm run build:native). ' +
      'That needs git, CMake 3.21 or later, make or ninja, and a C++17 compiler ' +
      '(Debian: apt-get install git cmake ninja-build g++).';
    throw Object.assign(new Error(message, { cause }), { code: 'ADDON_NOT_FOUND' });
  }
}

module.exports = load();
