// The default model in other weight types, made by the package's own `quantize`.

import { join } from 'node:path';
import { defaultModelPath, type LLaMaOptions, Model, quantize } from 'autocog-lm';
import type { Test } from 'tap';

/** One thread: two would spin against each other on a busy machine. */
export const oneThread = { threads: 1 } as const satisfies LLaMaOptions;

/** No rounding but that of the weights and of single-precision arithmetic. */
export const exact = {
  ...oneThread,
  kvCacheTypeK: 'f32',
  kvCacheTypeV: 'f32',
} as const satisfies LLaMaOptions;

/** The default model with weights of one type, until the test ends. */
export async function loadForm(t: Test, type: string): Promise<Model> {
  const path = join(t.testdir(), `${type}.gguf`);
  await quantize(defaultModelPath, path, type);
  const model = await Model.load(path);
  t.teardown(() => model.close());
  return model;
}
