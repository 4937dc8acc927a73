// `quantize`: converts a model file to another weight type.

import { checkString } from '../common/arguments.js';
import { availableCores } from '../common/available-cores.js';
import { native } from '../native/binding.js';
import { runJob } from '../native/job.js';
import { checkPath, type FilePath } from './model-options.js';

/** A tensor that {@link quantize} wrote in another type, since its rows do not divide into blocks. */
export interface QuantizeFallback {
  /** The tensor's name. */
  tensor: string;
  /** The type that it would have had, as ggml names it: `'q4_K'`. */
  requested: string;
  /** The type that it has: `'q5_0'`. */
  type: string;
}

/** The result of {@link quantize}. */
export interface QuantizeResult {
  /** The tensors that have another type than requested; usually none. */
  fallbacks: QuantizeFallback[];
}

/**
 * Converts the model at `source` to another weight type and writes it to `target`, on a separate
 * thread. The engine cannot cancel this: a process that exits during it waits until it finishes.
 *
 * @param type llama.cpp's name of the type: `'F32'`, `'F16'`, `'Q8_0'`, `'Q4_K_M'`, …
 * @throws ModelLoadError for a source that is not a model; RangeError for an unknown type
 */
export async function quantize(
  source: FilePath,
  target: FilePath,
  type: string,
): Promise<QuantizeResult> {
  const from = checkPath(source, 'source');
  const to = checkPath(target, 'target');
  checkString(type, 'type');
  const parts = await runJob(() => native.quantize(from, to, type, availableCores()));
  const fallbacks: QuantizeFallback[] = [];
  for (let at = 0; at < parts.length; at += 3) {
    const [tensor, requested, actual] = parts.slice(at, at + 3) as [string, string, string];
    fallbacks.push({ tensor, requested, type: actual });
  }
  return { fallbacks };
}
