// The header of a GGUF file, read without loading weights or the vocabulary: versions 2 and 3, in
// either byte order. Every length is checked against the file's size before anything is allocated.

import { type FileHandle, open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type CallOptions, readSignal } from '../common/call-options.js';
import { ModelLoadError } from '../common/errors.js';
import { fileTypeName, tensorTypeOf } from './ggml-types.js';
import { GgufBytes, MalformedError } from './gguf-bytes.js';
import { type GgufValue, readValue } from './gguf-values.js';
import { checkPath, type FilePath } from './model-options.js';

/** The header of a GGUF file. */
export interface GgufHeader {
  /** The file's absolute path. */
  readonly path: string;
  readonly version: number;
  /** The engine loads files of the machine's own byte order only. */
  readonly byteOrder: 'little' | 'big';
  /** The file's size. */
  readonly sizeBytes: number;
  /**
   * The metadata, with lists of at most 64 items and texts of at most 1 MiB. Longer ones, such as
   * the vocabulary, are described by their length.
   */
  readonly metadata: Readonly<Record<string, GgufValue>>;
  /** The number of tensors. */
  readonly tensors: number;
  /** The number of weights. */
  readonly parameters: number;
  /**
   * The weight type by the name that `quantize` takes, such as `'Q4_K_M'`: what the file says, or
   * else the type of most weights. Undefined for a file without tensors.
   */
  readonly weightType: string | undefined;
}

/** More than any model has. */
const maxKeys = 2 ** 16;
const maxTensors = 2 ** 20;
/** The engine's limits. */
const maxNameBytes = 63;
const maxDimensions = 4;
/** Bytes that an entry takes at least. */
const keyBytes = 8 + 1 + 4 + 1;
const tensorBytes = 8 + 4 + 4 + 8;

/**
 * Reads the header of a GGUF file, without its weights and without the vocabulary.
 *
 * @throws ModelLoadError if the file is missing, unreadable, not a GGUF file, malformed, or shorter
 * than its header says
 * @example
 * const { parameters, metadata } = await readGgufHeader('models/default.gguf');
 */
export async function readGgufHeader(
  location: FilePath,
  options?: CallOptions,
): Promise<GgufHeader> {
  const path = checkPath(location, 'path');
  const signal = readSignal(options);
  signal?.throwIfAborted();
  let file: FileHandle | undefined;
  try {
    // Before opening it, which would wait for the other end of a pipe.
    if (!(await stat(path)).isFile()) throw new MalformedError('it is not a file');
    file = await open(path);
    const { size } = await file.stat();
    if (size === 0) throw new MalformedError('the file is empty');
    const bytes = new GgufBytes(file, size);
    return Object.freeze({ path: resolve(path), ...(await readHeader(bytes, signal)) });
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof MalformedError) {
      throw new ModelLoadError(`Cannot read ${path}: ${cause.message}`);
    }
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const what = isMissing ? 'no such file' : 'it cannot be read';
    throw new ModelLoadError(`Cannot read ${path}: ${what}`, { cause });
  } finally {
    await file?.close();
  }
}

async function readHeader(
  bytes: GgufBytes,
  signal: AbortSignal | undefined,
): Promise<Omit<GgufHeader, 'path'>> {
  const version = await readVersion(bytes);
  await bytes.load(16);
  const tensors = checkCount(bytes.length(), maxTensors, 'tensors');
  const keys = checkCount(bytes.length(), maxKeys, 'keys');
  bytes.expect(keys * keyBytes + tensors * tensorBytes);
  const metadata = await readMetadata(bytes, keys, signal);
  const { parameters, mainType } = await readTensors(bytes, tensors, alignmentIn(metadata), signal);
  return {
    version,
    byteOrder: bytes.isLittle ? 'little' : 'big',
    sizeBytes: bytes.size,
    metadata,
    tensors,
    parameters,
    weightType: fileTypeName(metadata['general.file_type']) ?? mainType,
  };
}

async function readVersion(bytes: GgufBytes): Promise<number> {
  if (bytes.size < 4) throw new MalformedError('it is not a GGUF file');
  await bytes.load(4);
  if (bytes.text(4) !== 'GGUF') {
    throw new MalformedError('it is not a GGUF file');
  }
  await bytes.load(4);
  let version = bytes.unsigned(4);
  // In the other byte order, a small number has its low bytes zero.
  if (version !== 0 && version % 2 ** 16 === 0) {
    bytes.isLittle = false;
    version = Buffer.from(Uint32Array.of(version).buffer).swap32().readUInt32LE();
  }
  if (version < 2 || version > 3) {
    throw new MalformedError(`version ${version} of the GGUF format is not supported`);
  }
  return version;
}

function checkCount(count: number, most: number, what: string): number {
  if (count > most) throw new MalformedError(`it claims to have ${count} ${what}`);
  return count;
}

async function readMetadata(
  bytes: GgufBytes,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Record<string, GgufValue>> {
  const entries = new Map<string, GgufValue>();
  for (let index = 0; index < count; index++) {
    signal?.throwIfAborted();
    const key = await readName(bytes, 2 ** 16, 'key');
    if (key === '') throw new MalformedError('it has an empty key');
    if (entries.has(key)) throw new MalformedError(`it has the key ${key} twice`);
    entries.set(key, await readValue(bytes, key));
  }
  return Object.freeze(Object.fromEntries(entries));
}

async function readName(bytes: GgufBytes, most: number, what: string): Promise<string> {
  await bytes.load(8);
  const length = bytes.length();
  bytes.expect(length);
  if (length > most) throw new MalformedError(`it has a ${what} of ${length} bytes`);
  await bytes.load(length);
  return bytes.text(length);
}

function alignmentIn(metadata: Readonly<Record<string, GgufValue>>): number {
  const alignment = metadata['general.alignment'] ?? 32;
  if (typeof alignment === 'number' && alignment > 0 && Number.isInteger(Math.log2(alignment))) {
    return alignment;
  }
  throw new MalformedError('its alignment is not a power of 2');
}

/** Counts the weights, and checks that the file holds them all. */
async function readTensors(
  bytes: GgufBytes,
  count: number,
  alignment: number,
  signal: AbortSignal | undefined,
): Promise<{ parameters: number; mainType: string | undefined }> {
  const names = new Set<string>();
  const byType = new Map<string, number>();
  let parameters = 0;
  let end = 0;
  let last = '';
  for (let index = 0; index < count; index++) {
    if (index % 1024 === 0) signal?.throwIfAborted();
    const name = await readName(bytes, maxNameBytes, 'tensor name');
    if (names.has(name)) throw new MalformedError(`it has the tensor ${name} twice`);
    names.add(name);
    const tensor = await readTensor(bytes, name);
    parameters += tensor.weights;
    byType.set(tensor.type, (byType.get(tensor.type) ?? 0) + tensor.weights);
    if (tensor.offset + tensor.bytes > end) {
      end = tensor.offset + tensor.bytes;
      last = name;
    }
  }
  const start = Math.ceil(bytes.position / alignment) * alignment;
  if (end > 0 && start + end > bytes.size) {
    throw new MalformedError(`the file ends before its tensor '${last}' does`);
  }
  const [mainType] = [...byType].sort(([, a], [, b]) => b - a)[0] ?? [];
  return { parameters, mainType };
}

async function readTensor(bytes: GgufBytes, name: string) {
  await bytes.load(4);
  const dimensions = bytes.unsigned(4);
  if (dimensions > maxDimensions) {
    throw new MalformedError(`its tensor ${name} has ${dimensions} dimensions`);
  }
  await bytes.load(dimensions * 8 + 12);
  let weights = 1;
  let row = 1;
  for (let index = 0; index < dimensions; index++) {
    const size = bytes.length();
    if (index === 0) row = size;
    weights *= size;
  }
  const number = bytes.unsigned(4);
  const offset = bytes.length();
  const [type, blockWeights, blockBytes] = tensorTypeOf(number) ?? [];
  if (type === undefined || blockWeights === undefined || blockBytes === undefined) {
    throw new MalformedError(`its tensor ${name} has the unknown type ${number}`);
  }
  if (row % blockWeights !== 0 || !Number.isSafeInteger(weights)) {
    throw new MalformedError(`its tensor ${name} has an impossible shape`);
  }
  return { type, weights, bytes: (weights / blockWeights) * blockBytes, offset };
}
