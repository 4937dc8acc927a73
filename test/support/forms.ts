// The default model in other weight types, created by the package's own `quantize`.

import { join } from 'node:path';
import { defaultModelPath, type LLaMaOptions, Model, quantize } from 'autocog-lm';
import type { Test } from 'tap';

/** One thread, since several would compete by busy-waiting on a loaded machine. */
export const oneThread = { threads: 1 } as const satisfies LLaMaOptions;

/** No rounding except that of the weights and of single-precision arithmetic. */
export const exact = {
  ...oneThread,
  kvCacheTypeK: 'f32',
  kvCacheTypeV: 'f32',
} as const satisfies LLaMaOptions;

/** The default or another model with weights of one type; closed when the test ends. */
export async function loadForm(t: Test, type: string, source?: string): Promise<Model> {
  // A source created by the test is in the same folder, which testdir() would empty.
  const folder = source === undefined ? t.testdir() : t.testdirName;
  const path = join(folder, `${type}.gguf`);
  await quantize(source ?? defaultModelPath, path, type);
  const model = await Model.load(path);
  t.teardown(() => model.close());
  return model;
}
