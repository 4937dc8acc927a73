// The package's root folder, for both ESM and CommonJS, imported as '#package'. In a bundle, which has no such folder, it
// is the folder of the bundle: `load.cjs` fails there, and peers are looked up from there.
'use strict';

// Not `require`, which finds nothing outside of the bundle in esbuild's ES modules; `__dirname` is undefined there.
const { existsSync } = process.getBuiltinModule('node:fs');
const { dirname, join, resolve } = process.getBuiltinModule('node:path');

const here =
  typeof __dirname === 'string' ? resolve(__dirname) : dirname(resolve(process.argv[1] ?? 'main'));

module.exports = existsSync(join(here, 'root.cjs')) ? dirname(here) : here;
