// Small files that others may write at any time: read whole, and replaced whole. `yaml-file.ts`
// keeps configurations in them.

import { randomUUID } from 'node:crypto';
import { mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sleep } from '../../common/abort.js';

/** Larger than any configuration. */
const maxBytes = 16 * 2 ** 20;
const attempts = 20;
/** How long a program takes between emptying a file and writing it again, in milliseconds. */
const settleMs = 25;

/**
 * The text of a file that did not change while it was read.
 *
 * @param isPlausible whether a text looks like a whole file; if not, it is read again a little later
 */
export async function readWhole(
  path: string,
  isPlausible: (text: string) => boolean,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const { text, stamp } = await readOnce(path);
    if (text !== undefined && isPlausible(text)) return text;
    if (attempt > 1 || text === undefined) {
      if (attempt >= attempts) throw new Error('It is changing all the time');
    }
    await sleep(settleMs);
    // A file that stays as it is is what it looks like.
    if (text !== undefined && (await stampOf(path)) === stamp) return text;
  }
}

/** The file's text, undefined if the file changed in the meantime. */
async function readOnce(path: string): Promise<{ text: string | undefined; stamp: string }> {
  // Before opening it, which would wait for the other end of a pipe.
  const stats = await stat(path);
  if (!stats.isFile()) throw new Error('It is not a file');
  if (stats.size > maxBytes) throw new Error(`It has ${stats.size} bytes, ${maxBytes} at most`);
  const before = await stampOf(path);
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(maxBytes > stats.size ? stats.size + 1 : maxBytes);
    let length = 0;
    for (let isEnd = false; !isEnd && length < buffer.length; ) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      isEnd = bytesRead === 0;
      length += bytesRead;
    }
    if (length !== stats.size || (await stampOf(path)) !== before) {
      return { text: undefined, stamp: before };
    }
    const decoder = new TextDecoder('utf-8', { fatal: true });
    return { text: decoder.decode(buffer.subarray(0, length)), stamp: before };
  } finally {
    await file.close();
  }
}

async function stampOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/**
 * Replaces a file, or creates it and its folder: whoever reads it finds the old or the new one. A
 * symbolic link stays, and so do the permissions.
 */
export async function replaceWhole(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  await mkdir(dirname(target), { recursive: true });
  const mode = await stat(target).then(
    (stats) => stats.mode & 0o777,
    () => undefined,
  );
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode ?? 0o666);
    try {
      await file.writeFile(text);
      if (mode !== undefined) await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

const locks = new Map<string, Promise<unknown>>();

/** Runs the works on one path of this process one after the other. */
export async function exclusively<T>(path: string, work: () => Promise<T>): Promise<T> {
  const running = (locks.get(path) ?? Promise.resolve()).then(work, work);
  locks.set(path, running);
  try {
    return await running;
  } finally {
    if (locks.get(path) === running) locks.delete(path);
  }
}
