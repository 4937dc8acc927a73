// By what a file is known to be the one that it was. Model notes it, saved states ask for it.

import { stat } from 'node:fs/promises';

/** What changes when a file is written anew or replaced. */
export async function stampOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs].join(' ');
}
