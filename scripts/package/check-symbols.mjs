// What a Linux addon and the libraries beside it need of the system: undefined symbols that nobody defines, the newest
// version of glibc, and paths of the machine that built them. `npm run check:symbols`, optionally with a folder; prebuild.mjs
// calls it. The default is the prebuild of this machine, or else build/Release.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { capture, main, PlainError, root } from '../run.mjs';

/** Symbols that Node's executable defines. */
const ofNode = /^(napi|node_api)_\w+$/;
/** Libraries of the system that a prebuilt addon may need. */
const ofSystem =
  /^(libc|libm|libdl|libpthread|librt|libgcc_s|ld-linux[\w-]*)\.so(\.\d+)*$|^libc\.musl-.*$/;

const read = (tool, args) => {
  const output = capture(tool, args, { maxBuffer: 2 ** 28 });
  if (output === null)
    throw new PlainError(`${tool} ${args.join(' ')} failed (binutils is needed)`);
  return output;
};

/** Undefined and defined dynamic symbols of a library, with their versions: `memcpy@GLIBC_2.14`. */
function symbolsOf(file) {
  const lines = read('nm', ['-D', '--with-symbol-versions', file]).split('\n');
  const entries = lines
    .map((line) => /^[0-9a-f ]*([A-Za-z]) (\S+)$/.exec(line.trimEnd()))
    .filter(Boolean);
  return {
    needed: entries.filter(([, type]) => type === 'U').map(([, , name]) => name),
    defined: entries
      .filter(([, type]) => !'Uwv'.includes(type))
      .map(([, , name]) => name.split('@')[0]),
  };
}

const newest = (versions) =>
  [...versions].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);

/**
 * Checks the libraries of a folder, and returns the newest version per kind, such as `GLIBC_2.34`.
 *
 * @throws PlainError for undefined symbols; with `portable`, also for libraries that a system may lack, and for paths
 */
export function checkSymbols(folder, { portable = false } = {}) {
  const names = readdirSync(folder).filter((name) => /\.(node|so)$/.test(name));
  if (names.length === 0) throw new PlainError(`${folder} has no libraries`);
  const files = names.map((name) => join(folder, name));
  const symbols = files.map(symbolsOf);
  const defined = new Set(symbols.flatMap((each) => each.defined));
  const complaints = [];
  const versions = new Map();
  for (const [index, { needed }] of symbols.entries()) {
    for (const symbol of needed) {
      const [name, version] = symbol.split(/@+/);
      const [kind] = version?.split('_') ?? [];
      if (kind !== undefined) versions.set(kind, (versions.get(kind) ?? new Set()).add(version));
      else if (!ofNode.test(name) && !defined.has(name)) {
        complaints.push(`${names[index]}: nobody defines ${name}`);
      }
    }
  }
  if (portable) {
    for (const [index, file] of files.entries()) {
      const libraries = [...read('readelf', ['-d', file]).matchAll(/NEEDED.*\[(.+)\]/g)];
      for (const [, library] of libraries) {
        if (!ofSystem.test(library) && !names.includes(library)) {
          complaints.push(`${names[index]} needs ${library}`);
        }
      }
      if (readFileSync(file).includes(`${root}/`))
        complaints.push(`${names[index]} has paths of ${root}`);
    }
  }
  if (complaints.length > 0) throw new PlainError(complaints.join('\n  '));
  return Object.fromEntries([...versions].map(([kind, list]) => [kind, newest(list)]));
}

await main(import.meta.url, () => {
  const prebuilt = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  const release = join(root, 'build', 'Release');
  const given = process.argv[2];
  const folder = given ? resolve(given) : existsSync(prebuilt) ? prebuilt : release;
  const versions = checkSymbols(folder, { portable: folder !== release });
  console.log(`${folder}: ${Object.values(versions).join(', ') || 'no versioned symbols'}`);
});
