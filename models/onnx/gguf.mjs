// Reads the metadata and the weights of a GGUF file (version 3, little-endian) with F32 or F16
// tensors. `models/write-onnx.mjs` uses it.

import { readFileSync } from 'node:fs';

/** Per value type: its size and its reader. Types 8 and 9 are strings and arrays. */
const scalars = new Map([
  [0, [1, (file, at) => file.readUInt8(at)]],
  [1, [1, (file, at) => file.readInt8(at)]],
  [2, [2, (file, at) => file.readUInt16LE(at)]],
  [3, [2, (file, at) => file.readInt16LE(at)]],
  [4, [4, (file, at) => file.readUInt32LE(at)]],
  [5, [4, (file, at) => file.readInt32LE(at)]],
  [6, [4, (file, at) => file.readFloatLE(at)]],
  [7, [1, (file, at) => file.readUInt8(at) !== 0]],
  [10, [8, (file, at) => Number(file.readBigUInt64LE(at))]],
  [11, [8, (file, at) => Number(file.readBigInt64LE(at))]],
  [12, [8, (file, at) => file.readDoubleLE(at)]],
]);

const alignment = 32;

/** Decodes an IEEE half-precision number from its bits. */
export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const readers = new Map([
  [0, [4, (data, index) => data.readFloatLE(index * 4)]],
  [1, [2, (data, index) => fromHalf(data.readUInt16LE(index * 2))]],
]);

/** @returns the metadata by key, and per tensor its shape, row length first, and its values */
export function readGguf(path) {
  const file = readFileSync(path);
  if (file.toString('latin1', 0, 4) !== 'GGUF') throw new Error(`${path} is not a GGUF file`);
  let at = 24;
  const length = () => {
    at += 8;
    return Number(file.readBigUInt64LE(at - 8));
  };
  const text = () => {
    const bytes = length();
    at += bytes;
    return file.toString('utf8', at - bytes, at);
  };
  const uint32 = () => {
    at += 4;
    return file.readUInt32LE(at - 4);
  };
  const value = (type) => {
    if (type === 8) return text();
    if (type === 9) {
      const item = uint32();
      return Array.from({ length: length() }, () => value(item));
    }
    const [size, read] = scalars.get(type);
    at += size;
    return read(file, at - size);
  };
  const metadata = new Map();
  for (let left = Number(file.readBigUInt64LE(16)); left > 0; left--) {
    const key = text();
    metadata.set(key, value(uint32()));
  }
  const infos = Array.from({ length: Number(file.readBigUInt64LE(8)) }, () => {
    const name = text();
    const shape = Array.from({ length: uint32() }, length);
    return { name, shape, type: uint32(), offset: length() };
  });
  const start = Math.ceil(at / alignment) * alignment;
  const tensors = new Map();
  for (const { name, shape, type, offset } of infos) {
    const reader = readers.get(type);
    if (reader === undefined) {
      throw new Error(`${name} is neither F32 nor F16: make an F32 file with quantize() first`);
    }
    const [size, read] = reader;
    const count = shape.reduce((product, size) => product * size, 1);
    const data = file.subarray(start + offset, start + offset + count * size);
    tensors.set(name, {
      shape,
      data: Float32Array.from({ length: count }, (_, i) => read(data, i)),
    });
  }
  return { metadata, tensors };
}
