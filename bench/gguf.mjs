// The subset of GGUF (version 3, little-endian) that make-model.mjs needs: copies metadata as raw
// bytes from another file, and writes a file's header.

const uint32 = 4;
const float32 = 6;
const text = 8;
const list = 9;
const sizes = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };

/** Tensor types, as numbered in ggml.h. */
export const types = { f32: 0, q8_0: 8 };
export const alignment = 32;

/** The metadata entries of a GGUF file by key, each as raw bytes. */
export function readKeyValues(file) {
  if (file.toString('latin1', 0, 4) !== 'GGUF') throw new Error('not a GGUF file');
  const length = (at) => Number(file.readBigUInt64LE(at));
  const endOfText = (at) => at + 8 + length(at);
  const endOfValue = (type, at) => {
    if (type === text) return endOfText(at);
    if (type !== list) return at + sizes[type];
    const element = file.readUInt32LE(at);
    let end = at + 12;
    for (let left = length(at + 4); left > 0; left--) end = endOfValue(element, end);
    return end;
  };
  const found = new Map();
  let start = 24;
  for (let left = length(16); left > 0; left--) {
    const type = endOfText(start);
    const end = endOfValue(file.readUInt32LE(type), type + 4);
    found.set(file.toString('utf8', start + 8, type), file.subarray(start, end));
    start = end;
  }
  return found;
}

const u32 = (value) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
};
const u64 = (value) => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
};
const f32 = (value) => {
  const buffer = Buffer.alloc(4);
  buffer.writeFloatLE(value);
  return buffer;
};
const string = (value) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

export const keyString = (key, value) => Buffer.concat([string(key), u32(text), string(value)]);
export const keyUint32 = (key, value) => Buffer.concat([string(key), u32(uint32), u32(value)]);
export const keyFloat32 = (key, value) => Buffer.concat([string(key), u32(float32), f32(value)]);

/** An array of unsigned integers. */
export const keyUint32s = (key, values) =>
  Buffer.concat([string(key), u32(list), u32(uint32), u64(values.length), ...values.map(u32)]);

const aligned = (bytes) => Math.ceil(bytes / alignment) * alignment;

/** Bytes of a tensor's data. Rows of Q8_0 are blocks of 32 values in 34 bytes. */
export function tensorBytes({ type, shape }) {
  const values = shape.reduce((product, size) => product * size, 1);
  return type === types.q8_0 ? (values / 32) * 34 : values * 4;
}

/** The header before the tensor data. Data follows in the same order, each padded to `alignment`. */
export function makeHead(keyValues, tensors) {
  let offset = 0;
  const infos = tensors.map((tensor) => {
    const { name, shape, type } = tensor;
    const info = [string(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset)];
    offset += aligned(tensorBytes(tensor));
    return Buffer.concat(info);
  });
  const counts = [u64(tensors.length), u64(keyValues.length)];
  const head = Buffer.concat([Buffer.from('GGUF'), u32(3), ...counts, ...keyValues, ...infos]);
  return Buffer.concat([head, Buffer.alloc(aligned(head.length) - head.length)]);
}
