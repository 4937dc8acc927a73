// What the process, the model and its context use. `BaseLLM.trackResourceUtilization` calls it.

import type { Device } from '../native/backends.js';

/** What {@link BaseLLM.trackResourceUtilization} reports. Sizes in bytes. */
export interface ResourceUtilization {
  /** Memory of the process in RAM, weights that are memory-mapped and in use included. */
  residentBytes: number;
  /** Memory of JavaScript objects in use. */
  heapUsedBytes: number;
  /** CPU time of the process since it started, in milliseconds. */
  cpuUserMs: number;
  cpuSystemMs: number;
  /**
   * CPU time per elapsed time since the previous report of this LLM, or since it was created: 1 is
   * one core busy.
   */
  cpuLoad: number;
  /** The size of the model's weights; undefined unless they are in this process. */
  modelBytes: number | undefined;
  /** The approximate size of the KV cache; undefined without one in this process. */
  cacheBytes: number | undefined;
  /** The devices of the engine with their memory; none unless it runs in this process. */
  devices: Pick<Device, 'name' | 'description' | 'type' | 'memoryFree' | 'memoryTotal'>[];
}

/** What a model in this process uses. */
export type ModelResources = Pick<ResourceUtilization, 'modelBytes' | 'cacheBytes' | 'devices'>;

/** Measures the process. */
export class ProcessMeter {
  #time = performance.now();
  #cpuMs = cpuTime().total;

  /** The process's share of a report. The load is that since the previous call. */
  measure(): Omit<ResourceUtilization, keyof ModelResources> {
    const time = performance.now();
    const { user, system, total } = cpuTime();
    const elapsed = time - this.#time;
    const cpuLoad = elapsed > 0 ? (total - this.#cpuMs) / elapsed : 0;
    [this.#time, this.#cpuMs] = [time, total];
    const { rss, heapUsed } = process.memoryUsage();
    return {
      residentBytes: rss,
      heapUsedBytes: heapUsed,
      cpuUserMs: user,
      cpuSystemMs: system,
      cpuLoad,
    };
  }
}

function cpuTime(): { user: number; system: number; total: number } {
  const { user, system } = process.cpuUsage();
  return { user: user / 1000, system: system / 1000, total: (user + system) / 1000 };
}
