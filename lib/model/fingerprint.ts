// The identity of a model: a hash of its file's size and contents, and of the metadata overrides it
// was loaded with. Saved states store it (see `lib/context/state-facts.ts`).
//
// Files up to 64 MiB are hashed whole. Larger files are sampled, so that gigabytes cost a fraction
// of a second: the first 4 MiB, which hold the metadata and the tensor infos, and 64 KiB at each of
// 1024 evenly spaced offsets. Every tensor larger than 1/1024 of the file contains at least one
// sample. Training, merging and quantizing change all or most values of whole matrices, which are
// larger than that; changing single bytes of a large file by hand goes undetected.

import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { LMError } from '../common/errors.js';
import { stampOf } from './file-stamp.js';
import { type Model, sourceOf } from './model.js';

const fullHashLimit = 64 * 2 ** 20;
const headBytes = 4 * 2 ** 20;
const sampleCount = 1024;
const sampleBytes = 64 * 2 ** 10;
/** Takes about a millisecond to hash, so that hashing does not block the event loop. */
const chunkBytes = 2 ** 20;

const fingerprints = new WeakMap<Model, Promise<string>>();

/**
 * The model's fingerprint, in hexadecimal. Cached after the first call.
 *
 * @throws LMError with code `STATE_MISMATCH` if the file is unreadable or has changed since loading
 */
export function fingerprintOf(model: Model): Promise<string> {
  let fingerprint = fingerprints.get(model);
  if (fingerprint === undefined) {
    fingerprint = compute(model);
    fingerprints.set(model, fingerprint);
    // The failure may be transient: the next call retries.
    fingerprint.catch(() => fingerprints.delete(model));
  }
  return fingerprint;
}

async function compute(model: Model): Promise<string> {
  const { path, stamp, overrides } = sourceOf(model);
  const hash = createHash('sha256').update(overrides);
  try {
    // The weights in memory are those of the file as it was when it was loaded.
    if (stamp === undefined || (await stampOf(path)) !== stamp) {
      throw new LMError('The model file has changed since it was loaded', {
        code: 'STATE_MISMATCH',
      });
    }
    for (const part of partsOf(path, Number(model.metadata['split.count'] ?? 1))) {
      await addFile(hash, part);
    }
  } catch (cause) {
    if (cause instanceof LMError) throw cause;
    throw new LMError('The model file can no longer be read', {
      code: 'STATE_MISMATCH',
      cause,
    });
  }
  return hash.digest('hex');
}

/** The files of a model that is split into `count` files, as llama.cpp names them. */
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
    if (size <= fullHashLimit) {
      await addRange(hash, file, 0, size);
      return;
    }
    await addRange(hash, file, 0, headBytes);
    const last = size - sampleBytes;
    for (let sample = 0; sample < sampleCount; sample++) {
      await addRange(hash, file, Math.floor((last * sample) / (sampleCount - 1)), sampleBytes);
    }
  } finally {
    await file.close();
  }
}

async function addRange(hash: Hash, file: FileHandle, start: number, bytes: number): Promise<void> {
  const chunk = Buffer.allocUnsafe(Math.min(bytes, chunkBytes));
  for (let offset = start; offset < start + bytes; ) {
    const length = Math.min(chunk.length, start + bytes - offset);
    const { bytesRead } = await file.read(chunk, 0, length, offset);
    if (bytesRead === 0) throw new Error('Unexpected end of file');
    hash.update(chunk.subarray(0, bytesRead));
    offset += bytesRead;
  }
}
