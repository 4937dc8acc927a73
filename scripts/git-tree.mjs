// Computes git's tree hash of a folder from the files alone: without a repository or an index, so that neither
// .gitignore, attributes nor line-ending settings can hide a difference.
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The tree hash of a folder, in hex; ignores `.git` at the top level.
 * Without `modes`, every file counts as not executable, as needed on Windows, which has no executable bit.
 */
export function treeHash(folder, { modes = true } = {}) {
  return hashTree(folder, modes, true).toString('hex');
}

function hashTree(folder, modes, top) {
  const entries = [];
  for (const name of readdirSync(folder)) {
    if (top && name === '.git') continue;
    const path = join(folder, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) {
      const id = hashTree(path, modes, false);
      // git does not track empty folders.
      if (id) entries.push({ mode: '40000', name, sortName: `${name}/`, id });
    } else if (stat.isSymbolicLink()) {
      entries.push({
        mode: '120000',
        name,
        sortName: name,
        id: hashObject('blob', Buffer.from(readlinkSync(path))),
      });
    } else {
      const mode = modes && stat.mode & 0o100 ? '100755' : '100644';
      entries.push({ mode, name, sortName: name, id: hashObject('blob', readFileSync(path)) });
    }
  }
  if (entries.length === 0 && !top) return null;
  entries.sort((a, b) => Buffer.compare(Buffer.from(a.sortName), Buffer.from(b.sortName)));
  return hashObject(
    'tree',
    Buffer.concat(entries.flatMap(({ mode, name, id }) => [Buffer.from(`${mode} ${name}\0`), id])),
  );
}

function hashObject(type, body) {
  return createHash('sha1').update(`${type} ${body.length}\0`).update(body).digest();
}
