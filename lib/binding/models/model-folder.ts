// The model files in a folder: found in all of its subfolders, and by reference. `model-path.ts`
// finds one by name, `available-model.ts` describes them.

import type { Dirent, Stats } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ModelLoadError } from '../../common/errors.js';

/** A file that may be a model. */
export interface FoundFile {
  /** Its path in the folder, with `/` on every platform. */
  readonly name: string;
  /** Its absolute path; of a reference, that of the reference. */
  readonly path: string;
}

/** What a folder has. */
export interface FoundFiles {
  /** Sorted by name. */
  files: FoundFile[];
  /** Subfolders that cannot be read. */
  unreadable: { name: string; error: ModelLoadError }[];
}

/** The ending of a file that holds the path of a model elsewhere. */
export const referenceEnding = '.reference';
/** Longer than any path. */
const maxReferenceBytes = 2 ** 16;
const maxReferences = 8;

/** A projector of images, which is no model of its own. */
export const isProjector = (name: string): boolean => /mmproj/i.test(name);

/** The first part of a split model, which stands for all, given another part of it. */
function firstPartOf(name: string): string | undefined {
  const first = name.replace(/-\d{5}(-of-\d{5}\.gguf)$/, '-00001$1');
  return first === name ? undefined : first;
}

/** Whether a file's name has one of the endings, or is a reference to a file. */
function isModelName(name: string, extensions: readonly string[]): boolean {
  const lower = name.toLowerCase();
  if (isProjector(lower)) return false;
  return lower.endsWith(referenceEnding) || extensions.some((ending) => lower.endsWith(ending));
}

/**
 * Finds the model files of a folder and its subfolders. Symbolic links are followed, and no folder
 * is read twice.
 *
 * @param extensions endings of file names, in lower case
 * @throws ModelLoadError if the folder itself is missing or cannot be read
 */
export async function findModels(
  folder: string,
  extensions: readonly string[],
): Promise<FoundFiles> {
  const found: FoundFiles = { files: [], unreadable: [] };
  const visited = new Set<string>();
  const walk = async (path: string, prefix: string): Promise<void> => {
    const real = await realpath(path);
    if (visited.has(real)) return;
    visited.add(real);
    const entries = await readdir(path, { withFileTypes: true });
    for (const entry of entries) {
      const name = `${prefix}${entry.name}`;
      const inner = join(path, entry.name);
      const kind = await kindOf(entry, inner);
      if (kind === 'folder') {
        await walk(inner, `${name}/`).catch((cause: unknown) => {
          found.unreadable.push({ name, error: unreadable(inner, cause) });
        });
      } else if (kind === 'file' && isModelName(entry.name, extensions)) {
        found.files.push({ name, path: inner });
      }
    }
  };
  try {
    await walk(resolve(folder), '');
  } catch (cause) {
    throw unreadable(folder, cause);
  }
  const names = new Set(found.files.map(({ name }) => name));
  found.files = found.files.filter(({ name }) => {
    const first = firstPartOf(name);
    if (first !== undefined && !names.has(first)) {
      const error = new ModelLoadError(`Cannot use ${name}: ${first} is missing`);
      found.unreadable.push({ name, error });
    }
    return first === undefined;
  });
  found.files.sort((a, b) => (a.name < b.name ? -1 : 1));
  return found;
}

function unreadable(folder: string, cause: unknown): ModelLoadError {
  const { code } = cause as NodeJS.ErrnoException;
  const what =
    code === 'ENOENT'
      ? 'no such folder'
      : code === 'ENOTDIR'
        ? 'it is not a folder'
        : 'it cannot be read';
  return new ModelLoadError(`Cannot list the models in ${folder}: ${what}`, { cause });
}

async function kindOf(entry: Dirent, path: string): Promise<'folder' | 'file' | undefined> {
  let item: Dirent | Stats = entry;
  if (entry.isSymbolicLink()) {
    try {
      item = await stat(path);
    } catch {
      // A link to nowhere: reported when it is opened.
      return 'file';
    }
  }
  if (item.isDirectory()) return 'folder';
  return item.isFile() ? 'file' : undefined;
}

/**
 * The file that a file stands for: itself, or what a `.reference` file points to. A relative path
 * in it starts from the reference's folder.
 *
 * @throws ModelLoadError for a reference that cannot be read or leads nowhere
 */
export async function resolveReference(path: string): Promise<string> {
  let target = path;
  for (let count = 0; target.toLowerCase().endsWith(referenceEnding); count++) {
    if (count === maxReferences) {
      throw new ModelLoadError(`Cannot follow ${path}: it leads to too many references`);
    }
    target = resolve(dirname(target), await readReference(target));
  }
  if (target === path) return path;
  const isFile = await stat(target).then(
    (stats) => stats.isFile(),
    () => false,
  );
  if (isFile) return target;
  throw new ModelLoadError(`Cannot follow ${path}: there is no file ${target}`);
}

async function readReference(path: string): Promise<string> {
  try {
    if (!(await stat(path)).isFile()) throw new Error('It is not a file');
    const file = await open(path);
    try {
      const buffer = Buffer.alloc(maxReferenceBytes);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      const text = new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead));
      const target = text.trim().replace(/^(["'])(.*)\1$/, '$2');
      if (target === '' || /[\0\r\n]/.test(target)) throw new Error('It does not hold one path');
      return target;
    } finally {
      await file.close();
    }
  } catch (cause) {
    const { message } = cause as Error;
    throw new ModelLoadError(`Cannot read the reference ${path}: ${message}`, { cause });
  }
}
