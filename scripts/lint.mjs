// Style and types: Biome, clang-format, tsc. `npm run lint` reports problems; `npm run format` (--write) fixes what it can.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { capture, main, PlainError, root, run } from './run.mjs';

// Other releases of clang-format produce different output, so this one is required.
const clangFormatRelease = 16;

function clangFormat() {
  const names = [`clang-format-${clangFormatRelease}`, 'clang-format'];
  const found = names.find((name) =>
    capture(name, ['--version'])?.includes(`version ${clangFormatRelease}.`),
  );
  if (found) return found;
  const debian = `apt-get install clang-format-${clangFormatRelease}`;
  throw new PlainError(
    `clang-format ${clangFormatRelease} is needed (Debian: ${debian}; anywhere: pip install clang-format==16.0.6)`,
  );
}

export function nativeSources() {
  const files = ['addon', 'engine', 'test'].flatMap((folder) => {
    const path = join('native', folder);
    return readdirSync(join(root, path), { recursive: true }).map((file) => join(path, file));
  });
  return files.filter((file) => /\.(cc|h)$/.test(file));
}

export function lint({ write = false } = {}) {
  const { resolve } = createRequire(import.meta.url);
  run(process.execPath, [
    resolve('@biomejs/biome/bin/biome'),
    'check',
    ...(write ? ['--write'] : ['--error-on-warnings']),
  ]);
  run(clangFormat(), [...(write ? ['-i'] : ['--dry-run', '-Werror']), ...nativeSources()]);
  if (!write) run(process.execPath, [resolve('typescript/bin/tsc'), '--noEmit']);
}

await main(import.meta.url, () => lint({ write: process.argv.includes('--write') }));
