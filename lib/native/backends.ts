// Reports the engine's version, instruction sets and devices.

import { type NativeDevice, native } from './binding.js';
import { callNative } from './job.js';

/** A device that the engine detected. Memory in bytes. */
export type Device = Readonly<NativeDevice>;

/** The result of {@link getBackends}. */
export interface Backends {
  /** llama.cpp's own version. */
  llamaVersion: string;
  /** The instruction sets in use, as llama.cpp prints them. */
  systemInfo: string;
  devices: Device[];
}

/** The engine's version and capabilities, and the devices that it detected. */
export function getBackends(): Backends {
  return callNative(() => ({
    llamaVersion: native.llamaVersion(),
    systemInfo: native.systemInfo(),
    devices: native.devices(),
  }));
}
