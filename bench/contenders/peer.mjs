// Opens node-llama-cpp: what all contenders of it have in common.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Its module, out of the folder where it is installed. */
export function importPeer(folder) {
  const entry = join(folder, 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
  return import(pathToFileURL(entry).href);
}

/** Its engine, on the CPU. */
export function startPeer({ getLlama }) {
  return getLlama({ gpu: false, build: 'never', logLevel: 'error' });
}

/** A model and a context of it. */
export async function openPeer(llama, { model: modelPath, threads }, contextOptions) {
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const options = { batchSize: 512, threads, flashAttention: false, ...contextOptions };
  return { model, context: await model.createContext(options) };
}
