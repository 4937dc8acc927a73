// Loads the model that the flags select, with a progress bar, and closes it after use.

import { basename } from 'node:path';
import { LLaMa } from '../llama.js';
import { Model } from '../model/model.js';
import type { ModelOptions } from '../model/model-options.js';
import type { EngineFlags, ModelFlags } from './options.js';
import { progressBar } from './view/progress-bar.js';

/** Runs `use` with the LM; settles after the LM is closed. */
export function withLM<T>(
  { model, ...options }: EngineFlags,
  signal: AbortSignal,
  use: (lm: LLaMa) => Promise<T>,
): Promise<T> {
  return withProgressBar(model, (onProgress) => {
    const { threads, contextSize, gpuLayers } = options;
    return LLaMa.load(model, { threads, contextSize, gpuLayers, onProgress, signal });
  }).then(thenClose(use));
}

/** Runs `use` with the model only; settles after the model is closed. */
export function withModel<T>(
  { model }: ModelFlags,
  options: ModelOptions,
  use: (model: Model) => Promise<T>,
): Promise<T> {
  return withProgressBar(model, (onProgress) => Model.load(model, { ...options, onProgress })).then(
    thenClose(use),
  );
}

const thenClose =
  <R extends { close(): Promise<void> }, T>(use: (resource: R) => Promise<T>) =>
  async (resource: R): Promise<T> => {
    try {
      return await use(resource);
    } finally {
      await resource.close();
    }
  };

async function withProgressBar<T>(
  path: string,
  load: (onProgress: (fraction: number) => void) => Promise<T>,
): Promise<T> {
  const bar = progressBar(`Loading ${basename(path)}`);
  try {
    return await load(bar.show);
  } finally {
    bar.stop();
  }
}
