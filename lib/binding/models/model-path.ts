// Finds a model, or its projector of images, by name.

import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { wrongRange } from '../../common/arguments.js';
import { type FoundFile, isProjector, referenceEnding } from './model-folder.js';

/** A name without the ending `.reference` and one of the extensions. */
function bare(name: string, extensions: readonly string[]): string {
  let stem = name.toLowerCase();
  if (stem.endsWith(referenceEnding)) stem = stem.slice(0, -referenceEnding.length);
  const ending = extensions.find((some) => some !== '' && stem.endsWith(some));
  return ending === undefined ? stem : stem.slice(0, -ending.length);
}

/**
 * The file that a name means: the one of exactly this path in the folder; or else of this file name
 * in upper or lower case, with or without its ending; or else the one whose path contains it.
 *
 * @returns undefined if there is none
 * @throws RangeError, which lists them, if several fit equally well
 */
export function findByName(
  files: readonly FoundFile[],
  name: string,
  extensions: readonly string[],
): FoundFile | undefined {
  const wanted = name.replaceAll('\\', '/');
  const lower = wanted.toLowerCase();
  const stem = bare(wanted, extensions);
  const rules: ((file: FoundFile) => boolean)[] = [
    (file) => file.name === wanted,
    (file) => file.name.toLowerCase() === lower,
    (file) => basename(file.name).toLowerCase() === lower,
    (file) => bare(file.name, extensions) === stem,
    (file) => bare(basename(file.name), extensions) === stem,
    (file) => file.name.toLowerCase().includes(lower),
  ];
  for (const rule of rules) {
    const [first, ...others] = files.filter(rule);
    if (first === undefined) continue;
    if (others.length === 0) return first;
    const names = [first, ...others].map((file) => file.name);
    const shown = names.length > 8 ? [...names.slice(0, 8), '…'] : names;
    throw wrongRange(`the name of one model (it fits ${shown.join(', ')})`, 'name', name);
  }
  return undefined;
}

/** The projector of images next to a model: a GGUF file with mmproj in its name, if there is one. */
export async function findProjector(modelPath: string): Promise<string | undefined> {
  const folder = dirname(modelPath);
  const names = await readdir(folder).catch((): string[] => []);
  const found = names.filter((name) => isProjector(name) && /\.gguf$/i.test(name)).sort();
  // Several models may share the folder: the projector that has the model's name is the better one.
  const stem = basename(modelPath)
    .replace(/[-.].*$/, '')
    .toLowerCase();
  const own = found.find((name) => name.toLowerCase().includes(stem)) ?? found[0];
  return own === undefined ? undefined : join(folder, own);
}
