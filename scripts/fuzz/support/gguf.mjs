// A GGUF file taken apart and put together again, with anything in it: tensors of every type, sizes that do
// not match. (test/support/gguf.ts writes valid files for tests.)
import { readFileSync } from 'node:fs';

const textType = 8;
const listType = 9;
/** Bytes of a metadata value, by its type. */
export const sizes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const alignment = 32;
const aligned = (bytes) => Math.ceil(bytes / alignment) * alignment;

/** [elements, bytes] of a block, by ggml's number of the tensor type. */
export const blocks = new Map(
  [
    ...[
      [0, 1, 4],
      [1, 1, 2],
      [2, 32, 18],
      [3, 32, 20],
      [6, 32, 22],
      [7, 32, 24],
      [8, 32, 34],
    ],
    ...[
      [9, 32, 36],
      [10, 256, 84],
      [11, 256, 110],
      [12, 256, 144],
      [13, 256, 176],
      [14, 256, 210],
    ],
    ...[
      [15, 256, 292],
      [16, 256, 66],
      [17, 256, 74],
      [18, 256, 98],
      [19, 256, 50],
      [20, 32, 18],
    ],
    ...[
      [21, 256, 110],
      [22, 256, 82],
      [23, 256, 136],
      [24, 1, 1],
      [25, 1, 2],
      [26, 1, 4],
    ],
    ...[
      [27, 1, 8],
      [28, 1, 8],
      [29, 256, 56],
      [30, 1, 2],
      [34, 256, 54],
      [35, 256, 66],
    ],
    ...[
      [39, 32, 17],
      [40, 64, 36],
    ],
  ].map(([type, elements, bytes]) => [type, [elements, bytes]]),
);

/** Bytes of a tensor's data; 0 for an unknown type. */
export function bytesOf(shape, type) {
  const [elements, bytes] = blocks.get(type) ?? [1, 0];
  return Math.ceil(shape.reduce((product, size) => product * size, 1) / elements) * bytes;
}

/** Reads `{ version, values: [{ key, type, bytes }], tensors: [{ name, shape, type, data }] }`. */
export function readGguf(path) {
  const file = readFileSync(path);
  const length = (at) => Number(file.readBigUInt64LE(at));
  const endOfText = (at) => at + 8 + length(at);
  const endOfValue = (type, at) => {
    if (type === textType) return endOfText(at);
    if (type !== listType) return at + sizes[type];
    let end = at + 12;
    const items = file.readUInt32LE(at);
    for (let left = length(at + 4); left > 0; left--) end = endOfValue(items, end);
    return end;
  };
  const values = [];
  let at = 24;
  for (let left = length(16); left > 0; left--) {
    const start = endOfText(at);
    const type = file.readUInt32LE(start);
    const end = endOfValue(type, start + 4);
    values.push({
      key: file.toString('utf8', at + 8, start),
      type,
      bytes: Buffer.from(file.subarray(start + 4, end)),
    });
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
  const tensors = infos.map(({ offset, ...tensor }) => ({
    ...tensor,
    data: file.subarray(start + offset, start + offset + bytesOf(tensor.shape, tensor.type)),
  }));
  return { version: file.readUInt32LE(4), values, tensors };
}

const u32 = (value) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const text = (value) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

/** The bytes of a file, and where its tensors' data starts. */
export function writeGguf({ version, values, tensors }) {
  let offset = 0;
  const infos = tensors.map(({ name, shape, type, data, shift = 0 }) => {
    const info = [text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset + shift)];
    offset += aligned(data.length);
    return Buffer.concat(info);
  });
  const pairs = values.map(({ key, type, bytes }) => Buffer.concat([text(key), u32(type), bytes]));
  const counts = [u64(tensors.length), u64(values.length)];
  const head = Buffer.concat([Buffer.from('GGUF'), u32(version), ...counts, ...pairs, ...infos]);
  const padded = (part) => [part, Buffer.alloc(aligned(part.length) - part.length)];
  const bytes = Buffer.concat([head, ...tensors.map(({ data }) => data)].flatMap(padded));
  return { bytes, start: aligned(head.length) };
}
