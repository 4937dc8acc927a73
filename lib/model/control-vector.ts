// Control vectors, which are added to the hidden state after each of a range of layers: validates
// them, reads their files, and sums them with their scales. `LLaMa.setControlVector` uses it.

import { types } from 'node:util';
import {
  checkInteger,
  checkNumber,
  checkOptions,
  copyOf,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import { runJob } from '../native/job.js';
import { type Model, nativeOf } from './model.js';
import { checkPath, type FilePath } from './model-options.js';

/** A control vector, from a file or from `data`, with its scale and layer range. */
export interface ControlVector {
  /** A GGUF file in the format of llama.cpp's tools: a tensor `direction.N` for layer N. */
  path?: FilePath | undefined;
  /**
   * Rows of `model.info.embeddingSize` numbers, at most `model.info.layers - 1` of them. The first
   * row is for layer 1: nothing is added after layer 0.
   */
  data?: Float32Array | undefined;
  /** Multiplies the vector. Default 1. */
  scale?: number | undefined;
  /** The first layer to steer. Default 1. */
  layerStart?: number | undefined;
  /** The last layer to steer, inclusive. Default: the last layer, `model.info.layers - 1`. */
  layerEnd?: number | undefined;
}

/** A validated {@link ControlVector}. */
export interface ControlVectorPart {
  source: { path: string } | { data: Float32Array };
  scale: number;
  layerStart: number;
  layerEnd: number;
}

const optionNames = ['path', 'data', 'scale', 'layerStart', 'layerEnd'] as const;

function checkData(value: unknown, name: string, { info }: Model): Float32Array {
  if (!types.isFloat32Array(value)) throw wrongType('a Float32Array', name, value);
  const data = copyOf<Float32Array>(value, name, Float32Array);
  const rows = data.length / info.embeddingSize;
  if (!Number.isInteger(rows) || rows < 1 || rows > info.layers - 1) {
    const what = `rows of ${info.embeddingSize} numbers for 1 to ${info.layers - 1} layers`;
    throw wrongRange(what, name, data);
  }
  const invalid = data.findIndex((value) => !Number.isFinite(value));
  if (invalid >= 0) throw wrongRange('a finite number', `${name}[${invalid}]`, data[invalid]);
  return data;
}

function readPart(value: unknown, name: string, model: Model): ControlVectorPart {
  if (value === undefined) throw wrongType('an object', name, value);
  const part = checkOptions(value as ControlVector, name, optionNames);
  if ((part.path === undefined) === (part.data === undefined)) {
    throw wrongType('either path or data', name, value);
  }
  const last = model.info.layers - 1;
  const layerStart = checkInteger(part.layerStart ?? 1, `${name}.layerStart`, 1, last);
  return {
    source:
      part.path === undefined
        ? { data: checkData(part.data, `${name}.data`, model) }
        : { path: checkPath(part.path, `${name}.path`) },
    scale: checkNumber(part.scale ?? 1, `${name}.scale`),
    layerStart,
    layerEnd: checkInteger(part.layerEnd ?? last, `${name}.layerEnd`, layerStart, last),
  };
}

/** Validates the vectors of a call. Throws TypeError or RangeError. */
export function readControlVectors(value: unknown, model: Model): readonly ControlVectorPart[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [readPart(value, 'vector', model)];
  return Array.from(value, (part, index) => readPart(part, `vectors[${index}]`, model));
}

/**
 * The scaled sum of all parts: one row per layer, from layer 1 on. Empty if there are no parts.
 *
 * @throws ModelLoadError for a file that is not a control vector of this model; RangeError for a
 * sum that overflows single precision
 */
export async function sumOfParts(
  parts: readonly ControlVectorPart[],
  model: Model,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  if (parts.length === 0) return new Float32Array(0);
  const width = model.info.embeddingSize;
  const sum = new Float64Array(width * (model.info.layers - 1));
  for (const { source, scale, layerStart, layerEnd } of parts) {
    const data =
      'data' in source
        ? source.data
        : await runJob(() => nativeOf(model).readControlVector(source.path), signal);
    const end = Math.min(data.length, layerEnd * width);
    for (let index = (layerStart - 1) * width; index < end; index++) {
      sum[index] = (sum[index] as number) + (data[index] as number) * scale;
    }
  }
  const result = Float32Array.from(sum);
  const invalid = result.findIndex((value) => !Number.isFinite(value));
  if (invalid < 0) return result;
  throw wrongRange('single-precision numbers', 'the scaled control vector', sum[invalid]);
}
