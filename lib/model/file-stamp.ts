// Detects that a file was modified or replaced. Model.load records the stamp; fingerprint.ts
// compares it.

import { stat } from 'node:fs/promises';

/** A string that changes when the file is rewritten or replaced. */
export async function stampOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs].join(' ');
}
