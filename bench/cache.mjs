// Where the bench keeps what it makes and installs: outside of the checkout, each thing made
// once and shown only when it is whole.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const cache = join(
  process.env.AUTOCOG_CACHE ?? join(homedir(), '.cache', 'autocog-lm'),
  'bench',
);

/** The path of `name` in the cache; `make` gets a path to write a file or folder to if it is not there. */
export function cached(name, make) {
  const path = join(cache, name);
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'partial-'));
  try {
    const partial = join(folder, name);
    make(partial);
    renameSync(partial, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return path;
}
