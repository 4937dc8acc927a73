// Loads the addon, from build/Release (a source build) or else from prebuilds/. The only entry point to native code for
// both ESM and CommonJS, imported as '#addon'. If the addon is missing, the error explains how to build it.
'use strict';

const { join } = require('node:path');

function load() {
  try {
    return require('node-gyp-build')(join(__dirname, '..'));
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
