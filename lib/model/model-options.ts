// How a model is loaded: the options, their defaults, and what native code gets of them.
// Model.load uses it.

import { types } from 'node:util';
import {
  checkBoolean,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptions,
  checkSignal,
  checkString,
  checkStrings,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import type { NativeModelOptions } from '../native/binding.js';

/** Options of `Model.load`. */
export interface ModelOptions extends CallOptions {
  /** Layers to put on GPUs, or `'all'` (default). Without a GPU they stay on the CPU. */
  gpuLayers?: number | 'all' | undefined;
  /** Names from `getBackends().devices`. Default: the engine's own choice. */
  devices?: readonly string[] | undefined;
  /** How several GPUs share the work. Default `'layer'`. */
  splitMode?: 'none' | 'layer' | 'row' | undefined;
  /** The GPU that is used with splitMode `'none'`, by its index. Default 0. */
  mainGpu?: number | undefined;
  /** Per device: its share of the model, in any unit. Default: by free memory. */
  tensorSplit?: Float32Array | readonly number[] | undefined;
  /** `host:port` of llama.cpp RPC servers. Default none. */
  rpcServers?: readonly string[] | undefined;
  /** Map the file into memory instead of reading it. Default true. */
  mmap?: boolean | undefined;
  /** Keep the model from being swapped out. Default false. */
  mlock?: boolean | undefined;
  /** Load the vocabulary alone, for tokenising. Default false. */
  vocabOnly?: boolean | undefined;
  /** Refuse weights that are not finite numbers. Slow. Default false. */
  checkTensors?: boolean | undefined;
  /** Values in place of the file's own. A GGUF integer is a bigint here, a float a number. */
  metadataOverrides?: Readonly<Record<string, string | number | bigint | boolean>> | undefined;
  /** Told the loaded fraction, from 0 to 1. What it throws, the load rejects with. */
  onProgress?: ((fraction: number) => void) | undefined;
}

/** The names of {@link ModelOptions}. */
export const modelOptionNames = [
  'gpuLayers',
  'devices',
  'splitMode',
  'mainGpu',
  'tensorSplit',
  'rpcServers',
  'mmap',
  'mlock',
  'vocabOnly',
  'checkTensors',
  'metadataOverrides',
  'onProgress',
  'signal',
] as const satisfies (keyof ModelOptions)[];

/** What {@link readModelOptions} makes of the options. */
export interface ModelRequest {
  native: NativeModelOptions;
  onProgress: ((fraction: number) => void) | undefined;
  signal: AbortSignal | undefined;
}

function readTensorSplit(value: unknown): Float32Array {
  if (types.isFloat32Array(value)) return value.slice();
  if (!Array.isArray(value)) throw wrongType('an array of numbers', 'tensorSplit', value);
  return Float32Array.from(value, (part, index) => checkNumber(part, `tensorSplit[${index}]`, 0));
}

function readOverrides(value: unknown): [string, string | number | bigint | boolean][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('an object', 'metadataOverrides', value);
  }
  return Object.entries(value).map(([key, item]: [string, unknown]) => {
    const name = `metadataOverrides['${key}']`;
    if (typeof item === 'string' || typeof item === 'boolean') return [key, item];
    if (typeof item === 'number') return [key, checkNumber(item, name)];
    if (typeof item !== 'bigint') {
      throw wrongType('a string, number, bigint or boolean', name, item);
    }
    if (BigInt.asIntN(64, item) !== item) throw wrongRange('a 64-bit integer', name, item);
    return [key, item];
  });
}

function readProgress(value: unknown): ModelRequest['onProgress'] {
  if (value !== undefined && typeof value !== 'function') {
    throw wrongType('a function', 'onProgress', value);
  }
  return value as ModelRequest['onProgress'];
}

/** Checks the options and sets the defaults; throws TypeError or RangeError. */
export function readModelOptions(value: ModelOptions | undefined): ModelRequest {
  const options = checkOptions(value, 'options', modelOptionNames);
  const overrides = readOverrides(options.metadataOverrides ?? {});
  const { gpuLayers = 'all' } = options;
  return {
    native: {
      gpuLayers: gpuLayers === 'all' ? -1 : checkInteger(gpuLayers, 'gpuLayers', 0),
      devices: checkStrings(options.devices ?? [], 'devices'),
      splitMode: checkOneOf(options.splitMode ?? 'layer', 'splitMode', ['none', 'layer', 'row']),
      mainGpu: checkInteger(options.mainGpu ?? 0, 'mainGpu', 0),
      tensorSplit: readTensorSplit(options.tensorSplit ?? []),
      rpcServers: checkStrings(options.rpcServers ?? [], 'rpcServers'),
      mmap: checkBoolean(options.mmap ?? true, 'mmap'),
      mlock: checkBoolean(options.mlock ?? false, 'mlock'),
      vocabOnly: checkBoolean(options.vocabOnly ?? false, 'vocabOnly'),
      checkTensors: checkBoolean(options.checkTensors ?? false, 'checkTensors'),
      overrideKeys: overrides.map(([key]) => key),
      overrideValues: overrides.map(([, item]) => item),
    },
    onProgress: readProgress(options.onProgress),
    signal: checkSignal(options.signal, 'signal'),
  };
}

/** A path of a file; throws TypeError. */
export function checkPath(value: unknown, name: string): string {
  const path = checkString(value, name);
  if (path === '' || path.includes('\0')) throw wrongType('the path of a file', name, path);
  return path;
}
