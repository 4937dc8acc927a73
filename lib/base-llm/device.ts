// Devices by the names that people use, such as `'cpu'`, `'cuda'` or `'cuda:1'`. `LocalLLM.load`
// loads models on them.

import { NotSupportedError } from '../common/errors.js';
import type { ModelOptions } from '../model/model-options.js';
import type { Device } from '../native/backends.js';

/** The names of backends in llama.cpp, in lower case, where others are in use. */
const backendNames: Readonly<Record<string, readonly string[]>> = {
  mps: ['metal', 'mtl'],
  metal: ['metal', 'mtl'],
  hip: ['hip', 'rocm'],
  rocm: ['hip', 'rocm'],
};

const isGpu = ({ type }: Device): boolean => type === 'gpu' || type === 'igpu';

/**
 * The options that load a model on a device.
 *
 * @param device `'cpu'`; `'gpu'` for any GPU; `'cuda'`, `'vulkan'`, `'metal'` or `'mps'` for those
 * of a backend, with a number for one of them (`'cuda:0'`); or a name from `getBackends().devices`
 * @throws NotSupportedError if there is no such device
 */
export function deviceOptions(
  device: string,
  available: readonly Device[],
): Pick<ModelOptions, 'gpuLayers' | 'devices'> {
  const name = device.toLowerCase();
  if (name === 'cpu') return { gpuLayers: 0 };
  const exact = available.filter(({ name: own }) => own.toLowerCase() === name);
  const [, word = name, number] = /^([a-z]+)(?::?(\d+))?$/.exec(name) ?? [];
  const backends = Object.hasOwn(backendNames, word) ? backendNames[word] : [word];
  const all = available.filter(
    (item) => isGpu(item) && (word === 'gpu' || backends?.includes(item.backend.toLowerCase())),
  );
  const found =
    exact.length > 0 ? exact : number === undefined ? all : all.slice(+number, +number + 1);
  if (found.length === 0) {
    const list = available.map(({ name: own }) => own).join(', ');
    throw new NotSupportedError(`There is no device ${device}; this build finds ${list || 'none'}`);
  }
  return { gpuLayers: 'all', devices: found.map(({ name: own }) => own) };
}
