// Writes small files so that a reader finds the old or the new contents, never a part of them.

import { open, rename, rm } from 'node:fs/promises';

let count = 0;

/** Writes a text under a temporary name, flushes it to disk, and renames it. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}-${Date.now().toString(36)}-${++count}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}
