// The bench's cache, outside of the checkout, for generated and installed files. Each entry is
// created once, and appears atomically.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const cache = join(
  process.env.AUTOCOG_CACHE ?? join(homedir(), '.cache', 'autocog-lm'),
  'bench',
);

/** The path of `name` in the cache. If missing, `make(path)` must create a file or folder at `path`. */
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
