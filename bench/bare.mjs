// Builds the programs of bench/bare against the libraries of the addon's own build. run.mjs calls it.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programFolder } from '../scripts/build-native.mjs';
import { PlainError, root, run } from '../scripts/run.mjs';

/** The build folder of the addon. */
export const addonBuild = join(root, process.env.AUTOCOG_BUILD_FOLDER ?? 'build-cmake');

/** Builds the programs and returns their paths; BARE_PROGRAMS names a folder that has them. */
export function barePrograms() {
  const given = process.env.BARE_PROGRAMS;
  const inFolder = (folder) => ({
    bare: join(folder, 'bare'),
    beams: join(folder, 'beams'),
    kernels: join(folder, 'kernels'),
  });
  if (given) return inFolder(given);
  const addon = addonBuild;
  if (!existsSync(join(addon, 'llama.cpp', 'src', 'libllama.a'))) {
    throw new PlainError('the addon is not built. Run: npm run build:all');
  }
  const source = join(dirname(fileURLToPath(import.meta.url)), 'bare');
  const build = join(addon, 'bench-bare');
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };
  const folder = programFolder(addon);
  const settings = [`-DAUTOCOG_BUILD=${addon}`, '-DCMAKE_BUILD_TYPE=Release'];
  settings.push(`-DCMAKE_RUNTIME_OUTPUT_DIRECTORY=${folder}`);
  run('cmake', ['-S', source, '-B', build, ...settings], quiet);
  run('cmake', ['--build', build], quiet);
  return inFolder(folder);
}
