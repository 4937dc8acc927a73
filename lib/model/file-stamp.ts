// Detects that a file was modified or replaced. Model.load records the stamp; fingerprint.ts
// compares it.

import { stat } from 'node:fs/promises';

/** A string that changes when the file is rewritten or replaced. */
export async function stampOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs].join(' ');
}

/** Where a model was loaded from; fingerprint.ts identifies it by this. */
export interface ModelSource {
  /** The absolute path of the file, or of the first file of a split model. */
  path: string;
  /** The file's {@link stampOf} when it was loaded; undefined if `stat` failed. */
  stamp: string | undefined;
  /** The metadata overrides, serialized. */
  overrides: string;
}
