// Links, tables and paths of every document, and the paths that comments name: `npm run check:docs`; CI runs it. What of a
// document counts as broken stands in .remarkrc.mjs.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { capture, main, PlainError, root, run } from './run.mjs';

/** A path of this repository in backquotes. */
const named =
  /`((?:bench|docs|examples|lib|models|native|scripts|test|test-oracles)\/[\w./-]+\.\w+)`/g;
/** Built, and so not in every checkout. */
const built = /^bench\/results\//;

/** Every path that documents and comments name and that does not exist, with the file that names it. */
function missingPaths(files) {
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const paths = [...text.matchAll(named)].map(([, path]) => path);
    const missing = paths.filter((path) => !built.test(path) && !existsSync(join(root, path)));
    return missing.map((path) => `${file} names ${path}, which does not exist`);
  });
}

/** Files of lib and of the engine that the map of the code does not name, in their room's row or elsewhere. */
function unmappedFiles(files) {
  const map = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');
  return files
    .filter((file) => /^(lib|native\/engine)\/.*\.(ts|h|cc)$/.test(file))
    .filter((file) => !/^lib\/(.*\/index\.ts|cli\/commands\/.*)$/.test(file))
    .filter((file) => {
      const name = basename(file);
      return !map.includes(`\`${name}\``) && !map.includes(`\`${name.replace(/\.\w+$/, '')}.*\``);
    })
    .map((file) => `docs/architecture.md does not name ${file}`);
}

/** Files that the map names without a path and that do not exist. */
function mappedGhosts(files) {
  const map = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');
  const names = new Set(
    files.flatMap((file) => [basename(file), basename(file).replace(/\.\w+$/, '.*')]),
  );
  return [...map.matchAll(/`([\w-]+\.(?:ts|mjs|cc|h|\*))`/g)]
    .filter(([, name]) => !names.has(name) && name !== 'llama.h')
    .map(([, name]) => `docs/architecture.md names ${name}, which does not exist`);
}

export function checkDocs() {
  const listed = capture('git', ['ls-files', '--cached', '--others', '--exclude-standard']);
  if (listed === null) throw new PlainError('git does not list the files of this checkout');
  const files = listed.split('\n').filter((file) => existsSync(join(root, file)));
  // The reports of the API are generated.
  const documents = files.filter((file) => file.endsWith('.md') && !file.startsWith('api/'));
  const program = join(root, 'node_modules', 'remark-cli', 'cli.js');
  run(process.execPath, [program, '--frail', '--quiet', '--no-stdout', ...documents]);
  const missing = missingPaths(
    files.filter((file) => /\.(md|ts|mts|mjs|cjs|cc|h|cmake)$/.test(file)),
  );
  const complaints = [...missing, ...unmappedFiles(files), ...mappedGhosts(files)];
  if (complaints.length > 0) throw new PlainError(complaints.join('\n  '));
}

await main(import.meta.url, checkDocs);
