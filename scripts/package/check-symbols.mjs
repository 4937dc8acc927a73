// What addons for Linux and Windows, and the libraries beside them, need of the system: undefined symbols that nobody
// defines, the newest version of glibc, libraries, and paths of the machine that built them. `npm run check:symbols`,
// optionally with folders; prebuild.mjs calls it. The default is each folder of prebuilds/, or else build/Release.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { capture, main, PlainError, root } from '../run.mjs';

/** Symbols that Node's executable defines. */
const ofNode = /^(napi|node_api)_\w+$/;
/** Libraries of the system that a prebuilt addon may need. */
const ofSystem =
  /^(libc|libm|libdl|libpthread|librt|libgcc_s|ld-linux[\w-]*)\.so(\.\d+)*$|^libc\.musl-.*$|^(kernel32|advapi32|bcrypt|msvcrt|ucrtbase|ws2_32|api-ms-win-crt-[\w-]+)\.dll$/i;
/** musl's C library, which is its loader. */
export const muslLoader = '/lib/ld-musl-x86_64.so.1';

/** @typedef {{ file: string, needed: string[], defined: string[], libraries: string[] }} Library */

const read = (tool, args) => {
  const output = capture(tool, args, { maxBuffer: 2 ** 28 });
  if (output === null)
    throw new PlainError(
      `${tool} ${args.join(' ')} failed; it needs binutils (Debian: apt-get install binutils)`,
    );
  return output;
};

/** Undefined and defined dynamic symbols of a library, with their versions: `memcpy@GLIBC_2.14`. For any architecture. */
export function readElf(file) {
  const text = read('readelf', ['--wide', '--dyn-syms', '--dynamic', file]);
  const symbol = /^ *\d+: [\da-f]+ +\w+ +\w+ +(\w+) +\w+(?: +\[.*?\])? +(\w+) (\S+)/gm;
  const symbols = [...text.matchAll(symbol)];
  return {
    file,
    // A weak symbol may stay undefined.
    needed: symbols
      .filter(([, binding, section]) => section === 'UND' && binding === 'GLOBAL')
      .map(([, , , name]) => name),
    defined: symbols
      .filter(([, , section]) => section !== 'UND')
      .map(([, , , name]) => name.split('@')[0]),
    libraries: [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name),
  };
}

/** Windows resolves all symbols when a library is linked: only the libraries are of interest. */
function readPe(file) {
  const text = read('objdump', ['--private-headers', file]);
  const libraries = [...text.matchAll(/^\s+DLL Name: (\S+)/gm)].map(([, name]) => name);
  return { file, needed: [], defined: [], libraries };
}

const isPe = (file) => readFileSync(file).subarray(0, 2).toString('latin1') === 'MZ';
const nameOf = ({ file }) => relative(root, file).split(/[\\/]/).at(-1);
const isMusl = (library) => nameOf(library).endsWith('.musl.node');

const newest = (versions) =>
  [...versions].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);

/** What defines the symbols without a version of a library: itself and what it is linked with, not what it may load later. */
function definedFor(library, all) {
  const linked = new Set([library]);
  for (const each of linked) {
    for (const name of each.libraries) {
      const next = all.find((other) => nameOf(other) === name);
      if (next !== undefined) linked.add(next);
    }
  }
  const defined = new Set([...linked].flatMap((each) => each.defined));
  if (!isMusl(library)) return defined;
  // musl has no versions of symbols: they are looked for in the library itself.
  if (!existsSync(muslLoader))
    throw new PlainError(
      `checking an addon for musl needs ${muslLoader} (Debian: apt-get install musl)`,
    );
  for (const symbol of readElf(muslLoader).defined) defined.add(symbol);
  return defined;
}

/** @returns the newest version per kind, such as `GLIBC_2.34`, and the libraries of the system */
function checkTogether(libraries, portable) {
  const names = libraries.map(nameOf);
  const complaints = [];
  const versions = new Map();
  const ofOthers = new Set();
  for (const [index, library] of libraries.entries()) {
    const { file, needed, libraries: loaded } = library;
    const defined = definedFor(library, libraries);
    for (const symbol of needed) {
      const [name, version] = symbol.split(/@+/);
      const [kind] = version?.split('_') ?? [];
      if (kind !== undefined) versions.set(kind, (versions.get(kind) ?? new Set()).add(version));
      else if (!ofNode.test(name) && !defined.has(name)) {
        complaints.push(`${names[index]}: nobody defines ${name}`);
      }
    }
    for (const name of loaded.filter((each) => !names.includes(each))) {
      ofOthers.add(name);
      if (portable && !ofSystem.test(name)) complaints.push(`${names[index]} needs ${name}`);
    }
    if (portable && readFileSync(file).includes(`${root}/`))
      complaints.push(`${names[index]} has paths of ${root}`);
  }
  if (complaints.length > 0) throw new PlainError(complaints.join('\n  '));
  return { versions: [...versions.values()].map(newest).sort(), libraries: [...ofOthers].sort() };
}

/**
 * Checks the addons of a folder with the libraries beside them; one for musl has none, and may share its folder.
 *
 * @returns for each addon: its name, the number of libraries, their size, the versions and libraries that they need
 * @throws PlainError for undefined symbols; with `portable`, also for libraries that a system may lack, and for paths
 */
export function checkSymbols(folder, { portable = false } = {}) {
  const files = readdirSync(folder)
    .filter((name) => /\.(node|so|dll)$/.test(name))
    .map((name) => join(folder, name));
  const all = files.map((file) => (isPe(file) ? readPe(file) : readElf(file)));
  const addons = all.filter(({ file }) => file.endsWith('.node'));
  if (addons.length === 0) throw new PlainError(`${folder} has no addon`);
  const beside = all.filter((library) => !addons.includes(library));
  return addons.map((addon) => {
    const together = isMusl(addon) ? [addon] : [addon, ...beside];
    const size = together.reduce((sum, { file }) => sum + readFileSync(file).length, 0);
    const { versions, libraries } = checkTogether(together, portable);
    return { addon: addon.file, beside: together.length - 1, size, versions, libraries };
  });
}

/** A line for each addon of a folder of prebuilt ones. */
export function describeSymbols(folder, options = { portable: true }) {
  return checkSymbols(folder, options).map(({ addon, beside, size, versions, libraries }) => {
    const others = beside > 0 ? ` with ${beside} libraries` : '';
    const megabytes = (size / 1e6).toFixed(1);
    const needs = [...versions, ...libraries].join(', ') || 'nothing';
    return `${relative(root, addon)}${others}: ${megabytes} MB, needs ${needs}`;
  });
}

await main(import.meta.url, () => {
  const prebuilds = join(root, 'prebuilds');
  const release = join(root, 'build', 'Release');
  const given = process.argv.slice(2).map((folder) => resolve(folder));
  // Addons for macOS are in another format; a build that failed leaves an empty folder.
  const hasAddon = (folder) => readdirSync(folder).some((file) => file.endsWith('.node'));
  const prebuilt = () =>
    readdirSync(prebuilds)
      .filter((name) => !name.startsWith('darwin'))
      .map((name) => join(prebuilds, name))
      .filter(hasAddon);
  const folders = given.length > 0 ? given : existsSync(prebuilds) ? prebuilt() : [release];
  for (const folder of folders) {
    for (const line of describeSymbols(folder, { portable: folder !== release })) console.log(line);
  }
});
