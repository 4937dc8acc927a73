// The two files of a saved state: the data, and a JSON sidecar that describes it. Both are written
// atomically, and verified completely before any of it is used. `lib/context/state.ts` defines
// their contents.

import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { LMError } from '../common/errors.js';
import type { Facts } from './state-facts.js';

const format = 'autocog-lm state';
const formatVersion = 1;

/** Takes about a millisecond to hash, so that hashing does not block the event loop. */
const chunkBytes = 2 ** 20;
/** Larger than any valid sidecar, which consists mostly of tokens: this would be millions. */
const maxSidecarBytes = 64 * 2 ** 20;

/** The contents of a sidecar. */
export interface StateDescription {
  /** The version of the package that wrote it. */
  package: string;
  /** What has to match when it is loaded. */
  facts: Facts;
  tokens: readonly number[];
  /** The length of each part of the data. */
  bytes: readonly number[];
}

interface Sidecar extends StateDescription {
  /** The hash of the data. */
  sha256: string;
}

export const sidecarOf = (path: string): string => `${path}.json`;

/** The error for a state that cannot be loaded here. */
export const mismatch = (message: string, cause?: unknown): LMError =>
  new LMError(message, { code: 'STATE_MISMATCH', ...(cause !== undefined && { cause }) });

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The canonical JSON of a sidecar. Its seal is the hash of everything else in it. */
function serialize(sidecar: Sidecar): string {
  const { package: version, facts, tokens, bytes, sha256: hash } = sidecar;
  const content = { format, formatVersion, package: version, facts, tokens, bytes, sha256: hash };
  return `${JSON.stringify({ ...content, seal: sha256(JSON.stringify(content)) })}\n`;
}

async function writeNew(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeChunks(file: FileHandle, parts: readonly Uint8Array[]): Promise<string> {
  const hash = createHash('sha256');
  for (const part of parts) {
    for (let offset = 0; offset < part.length; offset += chunkBytes) {
      const chunk = part.subarray(offset, offset + chunkBytes);
      hash.update(chunk);
      for (let done = 0; done < chunk.length; ) {
        done += (await file.write(chunk, done)).bytesWritten;
      }
    }
  }
  return hash.digest('hex');
}

/**
 * The last pending save by path. Saves of this process to one path run in sequence: otherwise, the
 * data of one could end up with the sidecar of another.
 */
const pendingSaves = new Map<string, Promise<void>>();
let saveCount = 0;

/**
 * Writes both files under temporary names, then renames them, the data first. A concurrent reader
 * finds the old files, the new files, or data that does not match its sidecar.
 */
export async function writeState(
  path: string,
  parts: readonly Uint8Array[],
  description: Omit<StateDescription, 'bytes'>,
): Promise<void> {
  const previous = pendingSaves.get(path);
  const save = (async () => {
    await previous?.catch(() => {});
    await writeBoth(path, parts, description);
  })();
  pendingSaves.set(path, save);
  try {
    await save;
  } finally {
    if (pendingSaves.get(path) === save) pendingSaves.delete(path);
  }
}

async function writeBoth(
  path: string,
  parts: readonly Uint8Array[],
  description: Omit<StateDescription, 'bytes'>,
): Promise<void> {
  const suffix = `${process.pid}-${Date.now().toString(36)}-${++saveCount}.tmp`;
  const [data, sidecar] = [`${path}.${suffix}`, `${sidecarOf(path)}.${suffix}`];
  try {
    let hash = '';
    await writeNew(data, async (file) => {
      hash = await writeChunks(file, parts);
    });
    const bytes = parts.map(({ length }) => length);
    const text = serialize({ ...description, bytes, sha256: hash });
    await writeNew(sidecar, (file) => file.writeFile(text));
    await rename(data, path);
    await rename(sidecar, sidecarOf(path));
  } catch (cause) {
    await Promise.allSettled([rm(data, { force: true }), rm(sidecar, { force: true })]);
    throw new LMError(`The state cannot be written to ${path}`, {
      code: 'STATE_NOT_SAVED',
      cause,
    });
  }
}

async function sizeOf(path: string, what: string): Promise<number> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw mismatch(`The state's ${what} ${path} cannot be read`, cause);
  });
  if (!stats.isFile()) throw mismatch(`The state's ${what} ${path} is not a file`);
  return stats.size;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const areCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);

/** Whether another version of this package may have written it; its other fields are unknown. */
const hasOtherVersion = (value: unknown): value is { formatVersion: number } =>
  isObject(value) &&
  value.format === format &&
  Number.isSafeInteger(value.formatVersion) &&
  value.formatVersion !== formatVersion;

function checkSidecar(value: unknown): Sidecar | undefined {
  if (!isObject(value)) return undefined;
  const { package: version, facts, tokens, bytes, sha256: hash } = value;
  if (!isObject(facts) || !areCounts(tokens) || !areCounts(bytes)) return undefined;
  if (typeof version !== 'string' || typeof hash !== 'string') return undefined;
  return { package: version, facts: facts as Facts, tokens, bytes, sha256: hash };
}

/** Reads and verifies a state's sidecar, which has to match its canonical form byte for byte. */
export async function readSidecar(path: string): Promise<Sidecar> {
  const name = sidecarOf(path);
  const damaged = `The state's sidecar ${name} is damaged or was altered`;
  if ((await sizeOf(name, 'sidecar')) > maxSidecarBytes) throw mismatch(damaged);
  let text: string;
  let value: unknown;
  try {
    text = await readFile(name, 'utf8');
    value = JSON.parse(text);
  } catch (cause) {
    throw mismatch(damaged, cause);
  }
  if (hasOtherVersion(value)) {
    throw mismatch(`The state differs in its format: ${value.formatVersion}, not ${formatVersion}`);
  }
  const sidecar = checkSidecar(value);
  if (sidecar === undefined || serialize(sidecar) !== text) throw mismatch(damaged);
  return sidecar;
}

/** Reads and verifies a state's data, and splits it into the parts that the sidecar lists. */
export async function readData(path: string, sidecar: Sidecar): Promise<Buffer[]> {
  const total = sidecar.bytes.reduce((sum, bytes) => sum + bytes, 0);
  const size = await sizeOf(path, 'data');
  if (size !== total) throw mismatch(`The state's data has ${size} bytes, not ${total}`);
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const data = allocate(total);
    const hash = createHash('sha256');
    for (let offset = 0; offset < total; ) {
      const { bytesRead } = await file.read(
        data,
        offset,
        Math.min(chunkBytes, total - offset),
        offset,
      );
      if (bytesRead === 0) throw mismatch("The state's data ends early");
      hash.update(data.subarray(offset, offset + bytesRead));
      offset += bytesRead;
    }
    if (hash.digest('hex') !== sidecar.sha256) {
      throw mismatch("The state's data is damaged, was altered, or belongs to another sidecar");
    }
    let end = 0;
    return sidecar.bytes.map((bytes) => {
      end += bytes;
      return data.subarray(end - bytes, end);
    });
  } catch (cause) {
    if (cause instanceof LMError) throw cause;
    throw mismatch(`The state's data ${path} cannot be read`, cause);
  } finally {
    await file?.close();
  }
}

function allocate(bytes: number): Buffer {
  try {
    return Buffer.allocUnsafeSlow(bytes);
  } catch (cause) {
    throw new LMError('Not enough memory for the state', { code: 'OUT_OF_MEMORY', cause });
  }
}
