// Writes a model in another weight type.

import { checkString } from '../common/arguments.js';
import { physicalCores } from '../common/physical-cores.js';
import { native } from '../native/binding.js';
import { runJob } from '../native/job.js';
import { checkPath } from './model-options.js';

/**
 * Writes the model at `source` to `target` in another weight type, on a thread of its own. The
 * engine cannot stop it half-way: a process that exits meanwhile waits for its end.
 *
 * @param type as llama.cpp names it: `'F32'`, `'F16'`, `'Q8_0'`, `'Q4_K_M'`, …
 * @throws ModelLoadError for a source that is no model; RangeError for an unknown type
 */
export async function quantize(source: string, target: string, type: string): Promise<void> {
  checkPath(source, 'source');
  checkPath(target, 'target');
  checkString(type, 'type');
  await runJob(() => native.quantize(source, target, type, physicalCores()));
}
