// The names of devices, on machines that this one is not.

import type { Device } from 'autocog-lm';
import t from 'tap';
import { deviceOptions } from '../../lib/base-llm/device.js';

const device = (name: string, backend: string, type: Device['type']): Device => ({
  name,
  backend,
  type,
  description: name,
  memoryFree: 1,
  memoryTotal: 2,
});

const machines: Record<string, Device[]> = {
  cuda: [
    device('CUDA0', 'CUDA', 'gpu'),
    device('CUDA1', 'CUDA', 'gpu'),
    device('CPU', 'CPU', 'cpu'),
  ],
  mac: [device('MTL0', 'MTL', 'gpu'), device('BLAS', 'BLAS', 'accel'), device('CPU', 'CPU', 'cpu')],
  laptop: [device('Vulkan0', 'Vulkan', 'igpu'), device('CPU', 'CPU', 'cpu')],
  plain: [device('CPU', 'CPU', 'cpu')],
};

/** By machine and name: the devices; `''` for the CPU alone, undefined for a refusal. */
const cases: [string, string, string | undefined][] = [
  ['cuda', 'cpu', ''],
  ['cuda', 'cuda', 'CUDA0 CUDA1'],
  ['cuda', 'CUDA', 'CUDA0 CUDA1'],
  ['cuda', 'gpu', 'CUDA0 CUDA1'],
  ['cuda', 'cuda:0', 'CUDA0'],
  ['cuda', 'cuda:1', 'CUDA1'],
  ['cuda', 'CUDA1', 'CUDA1'],
  ['cuda', 'cuda:2', undefined],
  ['cuda', 'cu', undefined],
  ['cuda', 'cuda:-1', undefined],
  ['cuda', 'vulkan', undefined],
  ['cuda', 'constructor', undefined],
  ['cuda', '', undefined],
  ['mac', 'mps', 'MTL0'],
  ['mac', 'metal', 'MTL0'],
  ['mac', 'gpu', 'MTL0'],
  ['mac', 'blas', 'BLAS'],
  ['laptop', 'vulkan', 'Vulkan0'],
  ['laptop', 'gpu', 'Vulkan0'],
  ['plain', 'gpu', undefined],
  ['plain', 'cuda', undefined],
  ['plain', 'CPU', ''],
];

for (const [machine, name, expected] of cases) {
  t.test(`${JSON.stringify(name)} on ${machine} is ${expected ?? 'refused'}`, async (t) => {
    const find = () => deviceOptions(name, machines[machine] ?? []);
    if (expected === undefined)
      t.throws(find, { name: 'NotSupportedError', code: 'NOT_SUPPORTED' });
    else if (expected === '') t.same(find(), { gpuLayers: 0 });
    else t.same(find(), { gpuLayers: 'all', devices: expected.split(' ') });
  });
}
