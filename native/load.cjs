// Loads the addon: that of a clone (build/Release), or one built by `npx autocog-lm build`, or a prebuilt one. The only
// entry point to native code for both ESM and CommonJS, imported as '#addon'. If no addon loads, one error reports the
// platform, what was looked for, why it failed and what to do; also if a bundler has separated this file from the addon.
'use strict';

// Not `require`, which finds nothing outside of the bundle in esbuild's ES modules.
const { existsSync, readdirSync } = process.getBuiltinModule('node:fs');
const { cpus } = process.getBuiltinModule('node:os');
const { join } = process.getBuiltinModule('node:path');
const root = require('./root.cjs');
const { builtFolder, target } = require('./places.cjs');

const bundled =
  'autocog-lm has been bundled without its native addon, which cannot be part of a bundle. ' +
  'Mark autocog-lm as external, so that it is loaded from node_modules at run time. ' +
  'esbuild: --external:autocog-lm; ' +
  "webpack: externalsType: 'node-commonjs', externals: [/^autocog-lm(\\/|$)/]; " +
  'rollup: external: [/^autocog-lm(\\/|$)/]; ' +
  "vite: ssr: { external: ['autocog-lm'] }; " +
  "next: serverExternalPackages: ['autocog-lm']";

const notFound = (message, cause) =>
  Object.assign(new Error(message, cause === undefined ? undefined : { cause }), {
    code: 'ADDON_NOT_FOUND',
  });

/** The addon's file: its path, and where it comes from. */
function find() {
  const name = 'autocog.node';
  const own = join(root, 'build', 'Release', name);
  if (existsSync(own)) return { path: own, source: 'clone' };
  const built = builtFolder();
  if (built !== undefined && existsSync(join(built, name))) {
    return { path: join(built, name), source: 'built' };
  }
  return { path: require('node-gyp-build').resolve(root), source: 'prebuilt' };
}

/** What is missing, or why what is there does not load, and what to do. */
function explain(found, cause) {
  const cpu = cpus()[0]?.model.trim() || 'unknown CPU';
  const { glibcVersionRuntime: glibc } = reportHeader();
  const here = `${target()}${glibc ? ` ${glibc}` : ''}, ${cpu}, Node ${process.version}`;
  const lines = [];
  if (found === undefined) {
    lines.push(`autocog-lm has no native addon for this platform (${here}).`);
    const built = builtFolder();
    const places = [
      built === undefined ? 'no home directory for an addon built from source' : built,
      `${join(root, 'prebuilds')} (${listPrebuilds()})`,
    ];
    lines.push(`Looked in: ${places.join('; ')}.`);
  } else {
    lines.push(`The native addon of autocog-lm does not load (${here}).`);
    lines.push(`${found.path}: ${cause.message.trim()}`);
  }
  if (
    process.versions.deno &&
    /ffi|NotCapable|permission/i.test(`${cause?.name} ${cause?.message}`)
  ) {
    lines.push('Deno: run with --allow-ffi --allow-read --allow-env --allow-sys.');
  } else {
    lines.push('To build it from source: npx autocog-lm build (in a clone: npm run build:native).');
    if (found?.source === 'built') lines.push('Or delete this file, to use the prebuilt addon.');
  }
  return lines.join('\n');
}

function listPrebuilds() {
  try {
    const folders = readdirSync(join(root, 'prebuilds'));
    const files = folders.flatMap((folder) =>
      readdirSync(join(root, 'prebuilds', folder))
        .filter((file) => file.endsWith('.node'))
        .map((file) => `${folder}/${file}`),
    );
    return files.length > 0 ? `has ${files.join(', ')}` : 'empty';
  } catch {
    return 'does not exist';
  }
}

function reportHeader() {
  try {
    // Network interfaces would take long to list.
    process.report.excludeNetwork = true;
    return process.report.getReport().header;
  } catch {
    return {};
  }
}

function load() {
  if (!existsSync(join(root, 'native', 'root.cjs'))) throw notFound(bundled);
  let found;
  try {
    found = find();
  } catch (cause) {
    throw notFound(explain(undefined, cause), cause);
  }
  try {
    const addon = require(found.path);
    return { addon, ...found };
  } catch (cause) {
    throw notFound(explain(found, cause), cause);
  }
}

const { addon, path, source } = load();
addon.path = path;
addon.source = source;
module.exports = addon;
