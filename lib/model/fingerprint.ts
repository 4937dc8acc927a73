// What tells a model from every other: its file's size and contents, and the metadata that was
// replaced when it was loaded. Saved states carry it.
//
// Files of up to 64 MiB are hashed whole. Of larger ones, so that gigabytes cost a fraction of a
// second: the first 4 MiB, with the metadata and the table of tensors, and 64 KiB at each of 1024
// places from the beginning to the end. That is at least one in each tensor of a 1024th of the
// file's size. Training, merging and quantising change all or most values of whole matrices, which
// are larger; somebody who alters single bytes of a large file by hand is not found out.

import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { LMError } from '../common/errors.js';
import { stampOf } from './file-stamp.js';
import { type Model, sourceOf } from './model.js';

const wholeUpTo = 64 * 2 ** 20;
const headBytes = 4 * 2 ** 20;
const places = 1024;
const placeBytes = 64 * 2 ** 10;
/** So much is hashed in about a millisecond, between turns of the event loop. */
const chunkBytes = 2 ** 20;

const known = new WeakMap<Model, Promise<string>>();

/** The model's fingerprint, in hexadecimal digits; known after the first call. */
export function fingerprintOf(model: Model): Promise<string> {
  let found = known.get(model);
  if (found === undefined) {
    found = compute(model);
    known.set(model, found);
    // What hindered it may pass.
    found.catch(() => known.delete(model));
  }
  return found;
}

async function compute(model: Model): Promise<string> {
  const { path, stamp, overrides } = sourceOf(model);
  const hash = createHash('sha256').update(overrides);
  try {
    // What is in memory is what was there then.
    if (stamp === undefined || (await stampOf(path)) !== stamp) {
      throw new LMError('The file of the model was changed since it was loaded', {
        code: 'STATE_MISMATCH',
      });
    }
    for (const part of partsOf(path, Number(model.metadata['split.count'] ?? 1))) {
      await addFile(hash, part);
    }
  } catch (cause) {
    if (cause instanceof LMError) throw cause;
    throw new LMError('The file of the model cannot be read any more', {
      code: 'STATE_MISMATCH',
      cause,
    });
  }
  return hash.digest('hex');
}

/** The files of a model that is split in so many, as llama.cpp names them. */
function partsOf(path: string, count: number): string[] {
  if (!(count > 1)) return [path];
  return Array.from({ length: count }, (_, index) =>
    path.replace(/-\d{5}(-of-\d{5}\.gguf)$/, `-${`${index + 1}`.padStart(5, '0')}$1`),
  );
}

async function addFile(hash: Hash, path: string): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    hash.update(`\n${size}\n`);
    if (size <= wholeUpTo) {
      await addRange(hash, file, 0, size);
      return;
    }
    await addRange(hash, file, 0, headBytes);
    const last = size - placeBytes;
    for (let place = 0; place < places; place++) {
      await addRange(hash, file, Math.floor((last * place) / (places - 1)), placeBytes);
    }
  } finally {
    await file.close();
  }
}

async function addRange(hash: Hash, file: FileHandle, start: number, bytes: number): Promise<void> {
  const chunk = Buffer.allocUnsafe(Math.min(bytes, chunkBytes));
  for (let at = start; at < start + bytes; ) {
    const wanted = Math.min(chunk.length, start + bytes - at);
    const { bytesRead } = await file.read(chunk, 0, wanted, at);
    if (bytesRead === 0) throw new Error('It ends early');
    hash.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
  }
}
