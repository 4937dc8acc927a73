// Types of gguf.mjs, for the package's tests.

/** A tensor to write. */
export interface TensorInfo {
  name: string;
  shape: readonly number[];
  type: number;
}

export const types: { readonly f32: number; readonly q8_0: number };
export const alignment: number;
export function readKeyValues(file: Buffer): Map<string, Buffer>;
export function keyString(key: string, value: string): Buffer;
export function keyUint32(key: string, value: number): Buffer;
export function keyFloat32(key: string, value: number): Buffer;
export function tensorBytes(tensor: Omit<TensorInfo, 'name'>): number;
export function makeHead(keyValues: readonly Buffer[], tensors: readonly TensorInfo[]): Buffer;
