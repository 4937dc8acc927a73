// The number of physical cores available to this process: the default thread count, since a second
// thread on a core slows the engine down.

import { readFileSync } from 'node:fs';
import { arch, availableParallelism, platform } from 'node:os';

/** Distinct cores in the text of Linux's /proc/cpuinfo; 0 if it does not list core ids. */
export function countCores(cpuinfo: string): number {
  const cores = new Set<string>();
  for (const processor of cpuinfo.split(/\n\s*\n/)) {
    const core = /^core id\s*:\s*(\d+)/m.exec(processor)?.[1];
    const socket = /^physical id\s*:\s*(\d+)/m.exec(processor)?.[1] ?? '0';
    if (core !== undefined) cores.add(`${socket}:${core}`);
  }
  return cores.size;
}

function readCores(): number {
  try {
    return platform() === 'linux' ? countCores(readFileSync('/proc/cpuinfo', 'utf8')) : 0;
  } catch {
    return 0;
  }
}

/**
 * Physical cores, as far as known without running a program: counted on Linux, half of the logical
 * cores on other x64 machines, all of them elsewhere. At least 1, and at most as many as the
 * system lets this process use.
 */
export function physicalCores(): number {
  const logical = availableParallelism();
  const guess = arch() === 'x64' && platform() !== 'linux' ? Math.ceil(logical / 2) : logical;
  return Math.max(1, Math.min(logical, readCores() || guess));
}
