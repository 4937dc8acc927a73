// Reads one metadata value of a GGUF header. Long lists and texts are skipped, and described by
// their length.

import { type GgufBytes, MalformedError } from './gguf-bytes.js';

/** A list or a text of a header that was not read because it is long. */
export interface GgufOmitted {
  readonly omitted: 'list' | 'text';
  /** The number of items of a list, or of bytes of a text. */
  readonly length: number;
}

/** A metadata value. Integers are numbers, or bigints where a number would not be exact. */
export type GgufValue =
  | string
  | number
  | bigint
  | boolean
  | readonly (string | number | bigint | boolean)[]
  | GgufOmitted;

type Scalar = string | number | bigint | boolean;

/** The format's value types: the bytes of a value, and how it is read once it is loaded. */
const scalars: Readonly<Record<number, readonly [bytes: number, (from: GgufBytes) => Scalar]>> = {
  0: [1, (from) => from.unsigned(1)],
  1: [1, (from) => from.signed(1)],
  2: [2, (from) => from.unsigned(2)],
  3: [2, (from) => from.signed(2)],
  4: [4, (from) => from.unsigned(4)],
  5: [4, (from) => from.signed(4)],
  6: [4, (from) => from.float(4)],
  7: [1, (from) => from.unsigned(1) !== 0],
  10: [8, (from) => from.long(false)],
  11: [8, (from) => from.long(true)],
  12: [8, (from) => from.float(8)],
};
const text = 8;
const list = 9;

const longestText = 2 ** 20;
const longestList = 64;

/** Reads the type of a value and the value. */
export async function readValue(from: GgufBytes, key: string): Promise<GgufValue> {
  await from.load(4);
  const type = from.unsigned(4);
  if (type === list) return readList(from, key);
  if (type === text) return readText(from);
  const [bytes, read] = scalarOf(type, key);
  await from.load(bytes);
  return read(from);
}

function scalarOf(type: number, key: string) {
  const scalar = scalars[type];
  if (scalar !== undefined) return scalar;
  throw new MalformedError(`its key ${key} has the unknown type ${type}`);
}

async function readText(from: GgufBytes): Promise<GgufValue> {
  await from.load(8);
  const length = from.length();
  from.expect(length);
  if (length > longestText) {
    from.skip(length);
    return Object.freeze({ omitted: 'text', length });
  }
  await from.load(length);
  return from.text(length);
}

async function readList(from: GgufBytes, key: string): Promise<GgufValue> {
  await from.load(12);
  const type = from.unsigned(4);
  const length = from.length();
  if (type === text) return readTexts(from, length);
  const [bytes, read] = scalarOf(type, key);
  from.expect(length * bytes);
  if (length > longestList) {
    from.skip(length * bytes);
    return Object.freeze({ omitted: 'list', length });
  }
  await from.load(length * bytes);
  return Object.freeze(Array.from({ length }, () => read(from)));
}

async function readTexts(from: GgufBytes, length: number): Promise<GgufValue> {
  if (length > longestList) {
    await from.skipTexts(length);
    return Object.freeze({ omitted: 'list', length });
  }
  const items: string[] = [];
  let bytes = 0;
  for (let index = 0; index < length; index++) {
    await from.load(8);
    const size = from.length();
    from.expect(size);
    bytes += size;
    if (bytes <= longestText) {
      await from.load(size);
      items.push(from.text(size));
    } else from.skip(size);
  }
  return Object.freeze(bytes <= longestText ? items : { omitted: 'list' as const, length });
}
