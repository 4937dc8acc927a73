// What this build and this machine offer: the engine's version, instruction sets, devices.

import { type NativeDevice, native } from './binding.js';
import { callNative } from './job.js';

/** A device that the engine found. Memory in bytes. */
export type Device = Readonly<NativeDevice>;

/** What {@link getBackends} gives. */
export interface Backends {
  /** llama.cpp's own version. */
  llamaVersion: string;
  /** The instruction sets in use, as llama.cpp prints them. */
  systemInfo: string;
  devices: Device[];
}

/** What the engine is and what it found on this machine. */
export function getBackends(): Backends {
  return callNative(() => ({
    llamaVersion: native.llamaVersion(),
    systemInfo: native.systemInfo(),
    devices: native.devices(),
  }));
}
