// How many physical cores this process may use: the default number of threads, as a second
// thread on a core slows the engine down.

import { readFileSync } from 'node:fs';
import { arch, availableParallelism, platform } from 'node:os';

/** Distinct cores in the text of Linux's /proc/cpuinfo; 0 where it does not name them. */
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
 * Physical cores, as far as they can be told without running a program: counted on Linux,
 * half the logical ones on other x64 machines, all of them elsewhere. Never more than the
 * system lets this process use, never less than 1.
 */
export function physicalCores(): number {
  const logical = availableParallelism();
  const guess = arch() === 'x64' && platform() !== 'linux' ? Math.ceil(logical / 2) : logical;
  return Math.max(1, Math.min(logical, readCores() || guess));
}
