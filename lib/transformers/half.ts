// Converts half-precision tensors, which models with dtype fp16 output. `network.ts` reads logits
// with it.

import type { PeerTensor } from './peer.js';

const fraction = 2 ** -10;

function fromBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const rest = (bits & 1023) * fraction;
  if (exponent === 0) return sign * rest * 2 ** -14;
  if (exponent === 31) return rest === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + rest) * 2 ** (exponent - 15);
}

let table: Float32Array | undefined;

/** A range of a float32 or float16 tensor as float32; for float32, a view. */
export function floatsOf({ type, data }: PeerTensor, start: number, end: number): Float32Array {
  const part = (data as Float32Array).subarray(start, end);
  if (type === 'float32') return part;
  // A Float16Array, where JavaScript has it, holds numbers already; a Uint16Array holds raw bits.
  if (!(data instanceof Uint16Array)) return Float32Array.from(part);
  table ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => fromBits(bits));
  const halves = table;
  return Float32Array.from(part, (bits) => halves[bits] as number);
}
