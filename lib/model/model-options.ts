// Options of Model.load: their types, defaults and validation, and their native form.

import { fileURLToPath } from 'node:url';
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
  copyOf,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import type { NativeModelOptions } from '../native/binding.js';
import { checkServerAddresses } from './rpc-servers.js';

/** Options of `Model.load`. */
export interface ModelOptions extends CallOptions {
  /**
   * Layers to offload to GPUs, or `'all'` (default); with 0, the CPU computes everything. Without a GPU
   * they stay on the CPU.
   */
  gpuLayers?: number | 'all' | undefined;
  /** Names from `getBackends().devices`. Default: the engine's own choice. */
  devices?: readonly string[] | undefined;
  /** How the model is split across several GPUs. Default `'layer'`. */
  splitMode?: 'none' | 'layer' | 'row' | undefined;
  /** The index of the GPU to use with splitMode `'none'`. Default 0. */
  mainGpu?: number | undefined;
  /** Each device's share of the model, in any unit. Default: by free memory. */
  tensorSplit?: Float32Array | readonly number[] | undefined;
  /** `host:port` of each llama.cpp RPC server. Default: none. */
  rpcServers?: readonly string[] | undefined;
  /** Memory-map the file instead of reading it. Default true. */
  mmap?: boolean | undefined;
  /** Lock the model in RAM, so that it is not swapped out. Default false. */
  mlock?: boolean | undefined;
  /** Load only the vocabulary, for tokenizing. Default false. */
  vocabOnly?: boolean | undefined;
  /** Reject files with non-finite weights. Slow. Default false. */
  checkTensors?: boolean | undefined;
  /**
   * Metadata values that override the file's, also in `Model.metadata`. GGUF integers are bigints,
   * floats are numbers, and another type than llama.cpp reads is a TypeError; strings have at most 127 bytes, chat templates any length.
   */
  metadataOverrides?: Readonly<Record<string, string | number | bigint | boolean>> | undefined;
  /** Called with the fraction loaded, from 0 to 1. If it throws or rejects, so does the load. */
  onProgress?: ((fraction: number) => unknown) | undefined;
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

/** The result of {@link readModelOptions}. */
export interface ModelRequest {
  native: NativeModelOptions;
  /** Every metadata override, as text. */
  overrides: Readonly<Record<string, string>>;
  onProgress: ((fraction: number) => unknown) | undefined;
  signal: AbortSignal | undefined;
}

function readTensorSplit(value: unknown): Float32Array {
  if (types.isFloat32Array(value)) return copyOf<Float32Array>(value, 'tensorSplit', Float32Array);
  if (!Array.isArray(value)) throw wrongType('an array of numbers', 'tensorSplit', value);
  return Float32Array.from(value, (part, index) => checkNumber(part, `tensorSplit[${index}]`, 0));
}

function readOverrides(value: unknown): [string, string | number | bigint | boolean][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('an object', 'metadataOverrides', value);
  }
  return Object.entries(value).map(([key, item]: [string, unknown]) => {
    const name = `metadataOverrides['${key}']`;
    if (typeof item === 'string') return [key, item];
    if (isTemplate(key)) throw wrongType('a string', name, item);
    if (typeof item === 'boolean') return [key, item];
    if (typeof item === 'number') return [key, checkNumber(item, name)];
    if (typeof item !== 'bigint') {
      throw wrongType('a string, number, bigint or boolean', name, item);
    }
    if (BigInt.asIntN(64, item) !== item) throw wrongRange('a 64-bit integer', name, item);
    return [key, item];
  });
}

/** Chat templates are read here and not by the engine, which takes no text as long as theirs. */
const isTemplate = (key: string): boolean => /^tokenizer\.chat_template(\.|$)/.test(key);

function readProgress(value: unknown): ModelRequest['onProgress'] {
  if (value !== undefined && typeof value !== 'function') {
    throw wrongType('a function', 'onProgress', value);
  }
  return value as ModelRequest['onProgress'];
}

/** Validates the options and fills in the defaults. Throws TypeError or RangeError. */
export function readModelOptions(value: ModelOptions | undefined): ModelRequest {
  const options = checkOptions(value, 'options', modelOptionNames);
  const overrides = readOverrides(options.metadataOverrides ?? {});
  const engineOverrides = overrides.filter(([key]) => !isTemplate(key));
  const { gpuLayers = 'all' } = options;
  return {
    native: {
      gpuLayers: gpuLayers === 'all' ? -1 : checkInteger(gpuLayers, 'gpuLayers', 0),
      devices: checkStrings(options.devices ?? [], 'devices'),
      splitMode: checkOneOf(options.splitMode ?? 'layer', 'splitMode', ['none', 'layer', 'row']),
      mainGpu: checkInteger(options.mainGpu ?? 0, 'mainGpu', 0),
      tensorSplit: readTensorSplit(options.tensorSplit ?? []),
      rpcServers: checkServerAddresses(
        checkStrings(options.rpcServers ?? [], 'rpcServers'),
        'rpcServers',
      ),
      mmap: checkBoolean(options.mmap ?? true, 'mmap'),
      mlock: checkBoolean(options.mlock ?? false, 'mlock'),
      vocabOnly: checkBoolean(options.vocabOnly ?? false, 'vocabOnly'),
      checkTensors: checkBoolean(options.checkTensors ?? false, 'checkTensors'),
      overrideKeys: engineOverrides.map(([key]) => key),
      overrideValues: engineOverrides.map(([, item]) => item),
    },
    overrides: Object.fromEntries(overrides.map(([key, item]) => [key, `${item}`])),
    onProgress: readProgress(options.onProgress),
    signal: checkSignal(options.signal, 'signal'),
  };
}

/** The path of a file, or its `file:` URL. */
export type FilePath = string | URL;

/** Validates a file path, or converts a `file:` URL to one. Throws TypeError. */
export function checkPath(value: unknown, name: string): string {
  const path = value instanceof URL ? pathOfUrl(value, name) : checkString(value, name);
  if (path === '' || path.includes('\0')) throw wrongType('a file path', name, path);
  return path;
}

function pathOfUrl(url: URL, name: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw wrongType('a file: URL of this machine', name, url.href);
  }
}
