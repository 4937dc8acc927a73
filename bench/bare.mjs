// Builds the programs of bench/bare against the libraries of the addon's own build. run.mjs calls it.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PlainError, root, run } from '../scripts/run.mjs';

/** Builds the programs and returns their paths. */
export function barePrograms() {
  const addon = join(root, 'build-cmake');
  if (!existsSync(join(addon, 'llama.cpp', 'src', 'libllama.a'))) {
    throw new PlainError('the addon is not built. Run: npm run build:all');
  }
  const source = join(dirname(fileURLToPath(import.meta.url)), 'bare');
  const build = join(addon, 'bench-bare');
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };
  const settings = [`-DAUTOCOG_BUILD=${addon}`, '-DCMAKE_BUILD_TYPE=Release'];
  run('cmake', ['-S', source, '-B', build, ...settings], quiet);
  run('cmake', ['--build', build], quiet);
  return { bare: join(build, 'bare'), beams: join(build, 'beams') };
}
