// The hash that git would give a folder's tree, computed from the files alone: no repository, no index, and neither
// .gitignore, attributes nor line-end settings can hide a difference.
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The tree hash of a folder, in hex; a `.git` at its top is left out.
 * Without `modes` every file counts as not executable: all that can be said on Windows, which keeps no such bit.
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
      // git does not record empty folders.
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
