// Control vectors: what is added to a model's state after some of its layers. Read from files or
// given as numbers, cut to their layers, scaled and added up. `LLaMa.setControlVector` uses it.

import { types } from 'node:util';
import {
  checkInteger,
  checkNumber,
  checkOptions,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import { runJob } from '../native/job.js';
import { type Model, nativeOf } from './model.js';
import { checkPath } from './model-options.js';

/** A control vector and what to do with it: a file's, or `data`. */
export interface ControlVector {
  /** A GGUF file as llama.cpp's tools write it, with a tensor `direction.N` for layer N. */
  path?: string | undefined;
  /**
   * Rows of `model.info.embeddingSize` numbers: the first for layer 1, as nothing is added after
   * layer 0, and `model.info.layers - 1` of them at most.
   */
  data?: Float32Array | undefined;
  /** What it is multiplied by. Default 1. */
  scale?: number | undefined;
  /** The first layer that gets any. Default 1. */
  layerStart?: number | undefined;
  /** The last layer that gets any. Default: the last of all, `model.info.layers - 1`. */
  layerEnd?: number | undefined;
}

export interface ControlVectorPart {
  source: { path: string } | { data: Float32Array };
  scale: number;
  layerStart: number;
  layerEnd: number;
}

const names = ['path', 'data', 'scale', 'layerStart', 'layerEnd'] as const;

function checkData(data: unknown, name: string, { info }: Model): Float32Array {
  if (!types.isFloat32Array(data)) throw wrongType('a Float32Array', name, data);
  const rows = data.length / info.embeddingSize;
  if (!Number.isInteger(rows) || rows < 1 || rows > info.layers - 1) {
    const what = `rows of ${info.embeddingSize} numbers for 1 to ${info.layers - 1} layers`;
    throw wrongRange(what, name, data);
  }
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw wrongRange('a finite number', `${name}[${wrong}]`, data[wrong]);
  return data.slice();
}

function readPart(value: unknown, name: string, model: Model): ControlVectorPart {
  if (value === undefined) throw wrongType('an object', name, value);
  const part = checkOptions(value as ControlVector, name, names);
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

/** Checks the vectors of a call; throws TypeError or RangeError. */
export function readControlVectors(value: unknown, model: Model): readonly ControlVectorPart[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [readPart(value, 'vector', model)];
  return Array.from(value, (part, index) => readPart(part, `vectors[${index}]`, model));
}

/**
 * The sum of all parts, a row for each layer from 1 on; without numbers where there are no parts.
 *
 * @throws ModelLoadError for a file that is no control vector of this model; RangeError for a sum
 * that single precision cannot hold
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
  const wrong = result.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return result;
  throw wrongRange('single-precision numbers', 'the scaled control vector', sum[wrong]);
}
