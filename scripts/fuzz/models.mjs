// Model files: GGUF files with changed metadata, tensors, bits or lengths. Each is refused with an error of
// the package, or computes. The files are the default model and, once `npm run test:oracles` has built its
// programs, one of every architecture that llama.cpp supports; or those of the folder `--models`.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { capture, PlainError, root } from '../run.mjs';
import { runCases } from './support/children.mjs';
import { readGguf } from './support/gguf.mjs';
import { mutateModel } from './support/mutate-model.mjs';
import { Random } from './support/random.mjs';

const writer = join(root, 'build-oracles', 'bin', 'write-model');

/** Models by name: a path, which `writer` writes first unless it exists. */
function findModels(folder, models) {
  const named = (path) => ({ name: basename(path, '.gguf'), path });
  if (models !== undefined) {
    const all = existsSync(models) ? readdirSync(models) : [];
    const files = all.filter((file) => file.endsWith('.gguf'));
    if (files.length === 0) throw new PlainError(`${models}: no .gguf files`);
    return files.sort().map((file) => named(join(models, file)));
  }
  const own = [named(join(root, 'models', 'default.gguf'))];
  if (!existsSync(writer)) return own;
  const names = capture(writer, []).split('\n');
  return [...own, ...names.map((name) => ({ name, path: join(folder, `${name}.gguf`) }))];
}

/** Reads models, a few at a time. */
function reader() {
  const read = new Map();
  return ({ name, path }) => {
    if (!read.has(path)) {
      if (!existsSync(path)) capture(writer, [name, path]);
      if (read.size > 12) read.delete(read.keys().next().value);
      read.set(path, readGguf(path));
    }
    return read.get(path);
  };
}

/** @returns {Promise<string>} what was found */
export async function fuzz(options) {
  const folder = mkdtempSync(join(tmpdir(), 'autocog-fuzz-'));
  const models = findModels(folder, options.models);
  const open = reader();
  const makeCase = (number) => {
    const model = models[number % models.length];
    // Its neighbour in the list is mostly read already.
    const others = [open(models[(number + models.length - 1) % models.length])];
    const { bytes, changes } = mutateModel(new Random(options.seed, number), open(model), others);
    const path = join(folder, `case-${number}.gguf`);
    writeFileSync(path, bytes);
    const label = `${model.name}: ${changes.join(', ') || 'unchanged'}`;
    return { message: path, label, end: () => rmSync(path, { force: true }) };
  };
  try {
    return await runCases('models', 'try-model.mjs', makeCase, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
