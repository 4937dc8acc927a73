// What a program for musl, Bun, needs on Debian: the npm registry has no Node for musl, and Debian has musl itself, but no
// libstdc++ for it. Debian's static libstdc++ has what Bun uses, and needs three functions that musl lacks.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, PlainError, run } from '../run.mjs';
import { muslLoader, readElf } from './check-symbols.mjs';
import { crossFolder } from './targets.mjs';

const substitutes = `
extern int getentropy(void *, unsigned long);
#define HIDDEN __attribute__((visibility("hidden")))
HIDDEN void *__dso_handle = &__dso_handle;
HIDDEN char __libc_single_threaded = 0;
HIDDEN int _dl_find_object(void *address, void *result) { (void)address; (void)result; return -1; }
HIDDEN unsigned arc4random(void) { unsigned value = 0; getentropy(&value, sizeof value); return value; }
`;
/** Symbols that a program defines itself, as copies of those in the library. */
const copies = ['class', 'si_class', 'vmi_class'].map(
  (kind) => `_ZTVN10__cxxabiv1${kind.length + 12}__${kind}_type_infoE`,
);

/** Writes a libstdc++.so.6 with what a program needs of it, and returns the environment to run it in. */
export function writeMuslRuntime(program) {
  const folder = join(crossFolder, 'musl');
  mkdirSync(folder, { recursive: true });
  const source = join(folder, 'substitutes.c');
  writeFileSync(source, substitutes);
  const object = join(folder, 'substitutes.o');
  run('g++', ['-x', 'c', '-c', '-fPIC', '-O1', source, '-o', object]);
  const provided = new Set(readElf(muslLoader).defined);
  const names = readElf(program).needed.map((symbol) => symbol.split('@')[0]);
  const missing = [...names.filter((name) => !provided.has(name)), ...copies];
  const archives = ['libstdc++.a', 'libgcc_eh.a', 'libgcc.a'].map((name) => {
    const path = capture('g++', [`-print-file-name=${name}`]);
    if (path === null || path === name) throw new PlainError(`g++ has no ${name}`);
    return path;
  });
  const library = 'libstdc++.so.6';
  run('ld', [
    ...['-shared', '-o', join(folder, library), '-soname', library, object],
    ...missing.map((name) => `--undefined=${name}`),
    ...['--start-group', ...archives, '--end-group'],
  ]);
  return { LD_LIBRARY_PATH: folder };
}
