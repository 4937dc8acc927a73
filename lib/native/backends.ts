// Reports the engine's version, instruction sets and devices.

import {
  type NativeBackendModule,
  type NativeCpuVariant,
  type NativeDevice,
  native,
} from './binding.js';
import { callNative } from './job.js';

/** A device that the engine detected. Memory in bytes. */
export type Device = Readonly<NativeDevice>;

/** A build of the CPU backend for a generation of CPUs. */
export type CpuVariant = Readonly<NativeCpuVariant>;

/** A backend in a file beside the addon, other than the CPU's. */
export type BackendModule = Readonly<NativeBackendModule>;

/** The result of {@link getBackends}. */
export interface Backends {
  /** llama.cpp's own version. */
  llamaVersion: string;
  /** The instruction sets in use, as llama.cpp prints them. */
  systemInfo: string;
  devices: Device[];
  /**
   * The builds of the CPU backend in a prebuilt addon, best first. Empty for an addon that was built
   * from source, whose only CPU backend fits the machine that built it.
   */
  cpuVariants: CpuVariant[];
  /**
   * The backends in files beside the addon, by name: `autocog-lm build --cuda` or `--vulkan` makes
   * them. One whose driver or library is missing here is not loaded, and all others still work.
   */
  modules: BackendModule[];
  /**
   * What the CPU computes by kernels of this package instead of llama.cpp's: `'attention'`, and
   * types of weights such as `'Q8_0'`. Empty where the CPU lacks their instructions (AVX-512), and
   * with `AUTOCOG_KERNELS=0` in the environment.
   */
  kernels: string[];
  /**
   * The addon's file, and where it comes from: `prebuilt` in the package, `built` by
   * `autocog-lm build`, or `clone`, built in a checkout of the repository.
   */
  addon: { path: string; source: 'prebuilt' | 'built' | 'clone' };
}

/** The engine's version and capabilities, and the devices that it detected. */
export function getBackends(): Backends {
  return callNative(() => ({
    llamaVersion: native.llamaVersion(),
    systemInfo: native.systemInfo(),
    devices: native.devices(),
    cpuVariants: native.cpuVariants(),
    modules: native.backendModules(),
    kernels: native.kernels(),
    addon: { path: native.path, source: native.source },
  }));
}
