// How many cores and threads this process may use: the default thread count, and the limit beyond which
// threads wait for each other. The engine's threads spin while they wait, so that one too many makes a
// decode slower by orders of magnitude.

import { readFileSync } from 'node:fs';
import { arch, availableParallelism, platform } from 'node:os';
import { warn } from './warnings.js';

/** Reads a file of the system; undefined if there is none. */
type Read = (path: string) => string | undefined;

const readText: Read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** The numbers in a list such as `0-3,8`. */
export function numbersIn(list: string): Set<number> {
  return new Set(
    list.split(',').flatMap((range) => {
      const [first = Number.NaN, last = first] = range.split('-').map(Number);
      const count = last - first + 1;
      return count > 0 ? Array.from({ length: count }, (_, index) => first + index) : [];
    }),
  );
}

/**
 * Distinct cores in the text of Linux's /proc/cpuinfo; 0 if it does not list core ids.
 *
 * @param allowed counts only the cores of these processors. Default: all
 */
export function countCores(cpuinfo: string, allowed?: ReadonlySet<number>): number {
  const cores = new Set<string>();
  for (const processor of cpuinfo.split(/\n\s*\n/)) {
    const id = /^processor\s*:\s*(\d+)/m.exec(processor)?.[1];
    if (allowed !== undefined && id !== undefined && !allowed.has(Number(id))) continue;
    const core = /^core id\s*:\s*(\d+)/m.exec(processor)?.[1];
    const socket = /^physical id\s*:\s*(\d+)/m.exec(processor)?.[1] ?? '0';
    if (core !== undefined) cores.add(`${socket}:${core}`);
  }
  return cores.size;
}

/** A group's path and those of all groups around it, the outermost last. */
function groupsFrom(path: string): string[] {
  const parts = path.split('/').filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, left) =>
    ['', ...parts.slice(0, parts.length - left)].join('/'),
  );
}

/**
 * The CPU time that the process's control groups allow it, in CPUs, such as 1.5; Infinity without a
 * limit. Versions 1 and 2 of Linux's cgroups.
 */
export function cpuQuota(read: Read = readText): number {
  let quota = Number.POSITIVE_INFINITY;
  const limit = (time: string | undefined, period: string | undefined): void => {
    const cpus = Number(time) / Number(period);
    if (Number(time) > 0 && cpus > 0) quota = Math.min(quota, cpus);
  };
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const group of groupsFrom(path)) {
      if (controllers === '') {
        const [time, period] = (read(`/sys/fs/cgroup${group}/cpu.max`) ?? '').split(' ');
        limit(time, period);
      } else if (controllers.split(',').includes('cpu')) {
        for (const mounted of new Set([controllers, 'cpu'])) {
          const folder = `/sys/fs/cgroup/${mounted}${group}`;
          limit(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`));
        }
      }
    }
  }
  return quota;
}

/** The processors on which the process may run; undefined if unknown. */
function allowedProcessors(read: Read): Set<number> | undefined {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status') ?? '')?.[1];
  return list === undefined ? undefined : numbersIn(list);
}

/**
 * The number of threads that can run at a time: as many as there are logical processors that this
 * process may use, or as its control groups allow. At least 1.
 */
export function availableThreads(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(cpuQuota())));
}

/**
 * Physical cores that this process may use, as far as known without running a program: counted on
 * Linux, half of the logical cores on other x64 machines, all of them elsewhere. At least 1, and at
 * most what {@link availableThreads} and the control groups allow. The default thread count: a second
 * thread on a core slows the engine down, and so does one that the system suspends.
 */
export function availableCores(): number {
  const logical = availableThreads();
  const guess = arch() === 'x64' && platform() !== 'linux' ? Math.ceil(logical / 2) : logical;
  const cpuinfo = platform() === 'linux' ? readText('/proc/cpuinfo') : undefined;
  const counted = countCores(cpuinfo ?? '', allowedProcessors(readText));
  return Math.max(1, Math.min(logical, counted || guess, Math.floor(cpuQuota())));
}

const warned = new Set<number>();

/** Warns, once for each count, of more threads than can run at a time. */
export function warnOfThreads(...counts: readonly number[]): void {
  const threads = Math.max(...counts);
  const available = availableThreads();
  if (threads <= available || warned.has(threads)) return;
  warned.add(threads);
  warn(
    'AUTOCOG_THREADS',
    `${threads} threads were requested, but at most ${available} can run at a time`,
    'The threads of a decode wait for each other by spinning, which can make it a thousand times ' +
      `slower. Set threads and threadsBatch to ${available} or less, or leave them out.`,
  );
}
