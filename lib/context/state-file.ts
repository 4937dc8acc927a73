// The two files of a saved state: the data, and beside it a sidecar in JSON that tells what they
// are. Written whole or not at all; read with every byte accounted for, before anything is used.
// `lib/context/state.ts` says what stands in them.

import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { LMError } from '../common/errors.js';
import type { Facts } from './state-facts.js';

const format = 'autocog-lm state';
const formatVersion = 1;

/** So much is hashed in about a millisecond, between turns of the event loop. */
const chunkBytes = 2 ** 20;
/** No sidecar is as large: it is mostly tokens, of which that would be millions. */
const mostSidecarBytes = 64 * 2 ** 20;

/** What stands in a sidecar. */
export interface StateDescription {
  /** The package's version that wrote it. */
  package: string;
  /** What has to be the same where it is read. */
  facts: Facts;
  tokens: readonly number[];
  /** Of each part of the data. */
  bytes: readonly number[];
}

interface Sidecar extends StateDescription {
  sha256: string;
}

export const sidecarOf = (path: string): string => `${path}.json`;

/** A refusal to load. */
export const mismatch = (message: string, cause?: unknown): LMError =>
  new LMError(message, { code: 'STATE_MISMATCH', ...(cause !== undefined && { cause }) });

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The one text that a sidecar is written as; its seal is the hash of all else in it. */
function textOf(sidecar: Sidecar): string {
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
    for (let at = 0; at < part.length; at += chunkBytes) {
      const chunk = part.subarray(at, at + chunkBytes);
      hash.update(chunk);
      for (let done = 0; done < chunk.length; ) {
        done += (await file.write(chunk, done)).bytesWritten;
      }
    }
  }
  return hash.digest('hex');
}

/** Saves of this process to a path take turns, or one's data might stand beside another's sidecar. */
const writing = new Map<string, Promise<void>>();
let saves = 0;

/**
 * Writes both files under other names, then gives them theirs, the data first: a reader finds the
 * files of before, those of now, or data that its sidecar does not know.
 */
export async function writeState(
  path: string,
  parts: readonly Uint8Array[],
  description: Omit<StateDescription, 'bytes'>,
): Promise<void> {
  const before = writing.get(path);
  const turn = (async () => {
    await before?.catch(() => {});
    await writeBoth(path, parts, description);
  })();
  writing.set(path, turn);
  try {
    await turn;
  } finally {
    if (writing.get(path) === turn) writing.delete(path);
  }
}

async function writeBoth(
  path: string,
  parts: readonly Uint8Array[],
  description: Omit<StateDescription, 'bytes'>,
): Promise<void> {
  const suffix = `${process.pid}-${Date.now().toString(36)}-${++saves}.tmp`;
  const [data, sidecar] = [`${path}.${suffix}`, `${sidecarOf(path)}.${suffix}`];
  try {
    let hash = '';
    await writeNew(data, async (file) => {
      hash = await writeChunks(file, parts);
    });
    const bytes = parts.map(({ length }) => length);
    const text = textOf({ ...description, bytes, sha256: hash });
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
  const found = await stat(path).catch((cause: unknown) => {
    throw mismatch(`The state's ${what} ${path} cannot be read`, cause);
  });
  if (!found.isFile()) throw mismatch(`The state's ${what} ${path} is no file`);
  return found.size;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const areCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);

/** What another version of this package may have written; nothing more can be said of it. */
const isNewer = (value: unknown): value is { formatVersion: number } =>
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

/** The sidecar of a state, to the byte as it was written. */
export async function readSidecar(path: string): Promise<Sidecar> {
  const name = sidecarOf(path);
  const altered = `The state's sidecar ${name} is damaged or was altered`;
  if ((await sizeOf(name, 'sidecar')) > mostSidecarBytes) throw mismatch(altered);
  let text: string;
  let value: unknown;
  try {
    text = await readFile(name, 'utf8');
    value = JSON.parse(text);
  } catch (cause) {
    throw mismatch(altered, cause);
  }
  if (isNewer(value)) {
    throw mismatch(`The state differs in its format: ${value.formatVersion}, not ${formatVersion}`);
  }
  const sidecar = checkSidecar(value);
  if (sidecar === undefined || textOf(sidecar) !== text) throw mismatch(altered);
  return sidecar;
}

/** The parts of the data that the sidecar tells of. */
export async function readData(path: string, sidecar: Sidecar): Promise<Buffer[]> {
  const total = sidecar.bytes.reduce((sum, bytes) => sum + bytes, 0);
  const size = await sizeOf(path, 'data');
  if (size !== total) throw mismatch(`The state's data has ${size} bytes, not ${total}`);
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const data = allocate(total);
    const hash = createHash('sha256');
    for (let at = 0; at < total; ) {
      const { bytesRead } = await file.read(data, at, Math.min(chunkBytes, total - at), at);
      if (bytesRead === 0) throw mismatch('The data ends early');
      hash.update(data.subarray(at, at + bytesRead));
      at += bytesRead;
    }
    if (hash.digest('hex') !== sidecar.sha256) {
      throw mismatch("The state's data is damaged, was altered, or is another sidecar's");
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
