// Reads and writes GGUF files (version 3, little-endian), so that a test can modify a model's
// weights itself as the oracle for what the engine computes.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath, quantize } from 'autocog-lm';
import type { Test } from 'tap';

/** Tensor types, as numbered in ggml.h. */
export const f32 = 0;
export const i32 = 26;

/** A tensor; `shape[0]` is the length of a row. */
export interface Tensor {
  name: string;
  shape: readonly number[];
  type: number;
  data: Buffer;
}

/** A file: its key-value pairs as bytes, in file order, and its tensors. */
export interface Gguf {
  keyValues: Map<string, Buffer>;
  tensors: Tensor[];
}

const alignment = 32;
const text = 8;
const list = 9;
const sizes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** Reads a file whose tensors are all F32. */
export function readGguf(path: string): Gguf {
  const file = readFileSync(path);
  const length = (at: number): number => Number(file.readBigUInt64LE(at));
  const endOfText = (at: number): number => at + 8 + length(at);
  const endOfValue = (type: number, at: number): number => {
    if (type === text) return endOfText(at);
    if (type !== list) return at + (sizes[type] as number);
    let end = at + 12;
    for (let left = length(at + 4); left > 0; left--) end = endOfValue(file.readUInt32LE(at), end);
    return end;
  };
  const keyValues = new Map<string, Buffer>();
  let at = 24;
  for (let left = length(16); left > 0; left--) {
    const type = endOfText(at);
    const end = endOfValue(file.readUInt32LE(type), type + 4);
    keyValues.set(file.toString('utf8', at + 8, type), file.subarray(at, end));
    at = end;
  }
  const infos = Array.from({ length: length(8) }, () => {
    const name = file.toString('utf8', at + 8, endOfText(at));
    at = endOfText(at);
    const shape = Array.from({ length: file.readUInt32LE(at) }, (_, i) => length(at + 4 + i * 8));
    at += 4 + shape.length * 8;
    const info = { name, shape, type: file.readUInt32LE(at), offset: length(at + 4) };
    at += 12;
    return info;
  });
  const start = aligned(at);
  const tensors = infos.map(({ offset, ...tensor }) => {
    const bytes = tensor.shape.reduce((product, size) => product * size, 4);
    return { ...tensor, data: file.subarray(start + offset, start + offset + bytes) };
  });
  return { keyValues, tensors };
}

const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const string = (value: string): Buffer =>
  Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

export const keyString = (key: string, value: string): Buffer =>
  Buffer.concat([string(key), u32(text), string(value)]);
export const keyUint32 = (key: string, value: number): Buffer =>
  Buffer.concat([string(key), u32(4), u32(value)]);
export const keyFloat32 = (key: string, value: number): Buffer =>
  Buffer.concat([string(key), u32(6), Buffer.from(Float32Array.of(value).buffer)]);
export const keyBool = (key: string, value: boolean): Buffer =>
  Buffer.concat([string(key), u32(7), Buffer.of(value ? 1 : 0)]);
/** An array of unsigned integers. */
export const keyUint32s = (key: string, values: readonly number[]): Buffer =>
  Buffer.concat([string(key), u32(list), u32(4), u64(values.length), ...values.map(u32)]);

/** The contents of a file. */
export function ggufBytes(keyValues: readonly Buffer[], tensors: readonly Tensor[]): Buffer {
  let offset = 0;
  const infos = tensors.map(({ name, shape, type, data }) => {
    const info = [string(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset)];
    offset += aligned(data.length);
    return Buffer.concat(info);
  });
  const counts = [u64(tensors.length), u64(keyValues.length)];
  const head = Buffer.concat([Buffer.from('GGUF'), u32(3), ...counts, ...keyValues, ...infos]);
  const padded = (part: Buffer): Buffer[] => [
    part,
    Buffer.alloc(aligned(part.length) - part.length),
  ];
  return Buffer.concat([head, ...tensors.map(({ data }) => data)].flatMap(padded));
}

export function writeGguf(path: string, keyValues: Iterable<Buffer>, tensors: Tensor[]): void {
  writeFileSync(path, ggufBytes([...keyValues], tensors));
}

export const floatsOf = ({ data }: Tensor): Float32Array =>
  new Float32Array(Uint8Array.from(data).buffer);

/** An F32 tensor. */
export const tensorOf = (name: string, shape: readonly number[], values: Float32Array): Tensor => {
  const { buffer, byteOffset, byteLength } = values;
  return { name, shape, type: f32, data: Buffer.from(buffer, byteOffset, byteLength) };
};

/** Pseudo-random numbers between −size and size, determined by the seed. */
export function noise(count: number, size: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * size;
  });
}

/** The default model in a weight type, and the same rounded weights in a file of F32 tensors. */
export async function formsOf(t: Test, type: string): Promise<{ path: string; plain: string }> {
  const folder = t.testdir();
  const path = join(folder, `${type}.gguf`);
  const plain = join(folder, `${type}-as-F32.gguf`);
  await quantize(defaultModelPath, path, type);
  await quantize(path, plain, 'F32');
  return { path, plain };
}
