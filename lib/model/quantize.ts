// `quantize`: converts a model file to another weight type.

import { checkString } from '../common/arguments.js';
import { physicalCores } from '../common/physical-cores.js';
import { native } from '../native/binding.js';
import { runJob } from '../native/job.js';
import { checkPath, type FilePath } from './model-options.js';

/**
 * Converts the model at `source` to another weight type and writes it to `target`, on a separate
 * thread. The engine cannot cancel this: a process that exits during it waits until it finishes.
 *
 * @param type llama.cpp's name of the type: `'F32'`, `'F16'`, `'Q8_0'`, `'Q4_K_M'`, …
 * @throws ModelLoadError for a source that is not a model; RangeError for an unknown type
 */
export async function quantize(source: FilePath, target: FilePath, type: string): Promise<void> {
  const from = checkPath(source, 'source');
  const to = checkPath(target, 'target');
  checkString(type, 'type');
  await runJob(() => native.quantize(from, to, type, physicalCores()));
}
