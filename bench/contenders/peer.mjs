// Opens node-llama-cpp. Shared by all of its contenders.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Imports its module from the folder where it is installed. */
export function importPeer(folder) {
  const entry = join(folder, 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
  return import(pathToFileURL(entry).href);
}

/** Starts its engine, on the CPU. */
export function startPeer({ getLlama }) {
  return getLlama({ gpu: false, build: 'never', logLevel: 'error' });
}

/** Loads a model and creates a context. */
export async function openPeer(llama, { model: modelPath, threads }, contextOptions) {
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const options = { batchSize: 512, threads, flashAttention: false, ...contextOptions };
  return { model, context: await model.createContext(options) };
}
