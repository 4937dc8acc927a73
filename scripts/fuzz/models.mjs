// Fuzzes model files: changes them, loads them, and decodes with what loads. Fails if a process dies or hangs,
// or an error has no code.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { capture, PlainError, root } from '../run.mjs';
import { runCases } from './children.mjs';
import { readGguf } from './gguf.mjs';
import { mutateModel } from './mutate-model.mjs';
import { Random } from './random.mjs';

const writer = join(root, 'build-oracles', 'bin', 'write-model');

/** The paths of a model of every architecture, if test:oracles has been built, and of the default model. */
function modelPaths(folder, seeds) {
  const own = [join(root, 'models', 'default.gguf')];
  if (seeds !== undefined) {
    const files = readdirSync(seeds).filter((file) => file.endsWith('.gguf'));
    if (files.length === 0) throw new PlainError(`${seeds}: no .gguf files`);
    return files.sort().map((file) => join(seeds, file));
  }
  if (!existsSync(writer)) return own;
  const names = capture(writer, []).split('\n');
  return [...own, ...names.map((name) => ({ name, path: join(folder, `${name}.gguf`) }))];
}

const textOf = ({ results = [], death, stderr }) =>
  death === undefined ? results.join('; ') || 'computed' : `${death}\n${stderr}`;

/** Runs the cases from `first` on. Returns the number of those that failed. */
export async function fuzzModels({ seed, first, count, seeds, keep, concurrency, verbose }) {
  const folder = mkdtempSync(join(tmpdir(), 'autocog-fuzz-'));
  const read = new Map();
  const open = (model) => {
    const path = model.path ?? model;
    if (!read.has(path)) {
      if (model.name !== undefined && !existsSync(path)) capture(writer, [model.name, path]);
      // A few at a time: they are read again when needed.
      if (read.size > 12) read.delete(read.keys().next().value);
      read.set(path, readGguf(path));
    }
    return read.get(path);
  };
  let failed = 0;
  const outcomes = new Map();
  try {
    const models = modelPaths(folder, seeds);
    function* cases() {
      for (let index = first; index < first + count; index++) {
        const random = new Random(seed, index);
        const model = models[index % models.length];
        // Mostly its neighbours in the list, which are read already.
        const others = [open(models[(index + models.length - 1) % models.length])];
        const { bytes, changes } = mutateModel(random, open(model), others);
        const path = join(folder, `case-${index}.gguf`);
        writeFileSync(path, bytes);
        const name = basename(model.path ?? model, '.gguf');
        yield { message: path, index, label: `${name}: ${changes.join(', ') || 'unchanged'}` };
      }
    }
    const report = ({ message, index, label }, answer) => {
      const bad =
        answer.death !== undefined || answer.results.some((each) => /no code|INTERNAL/.test(each));
      const outcome =
        answer.death ?? answer.results.map((each) => each.split('\n')[0].slice(0, 80)).join('; ');
      if (!bad) outcomes.set(outcome || 'computed', (outcomes.get(outcome || 'computed') ?? 0) + 1);
      if (bad || verbose)
        console.log(`${bad ? 'FAILED' : 'ok'} ${seed}:${index} ${label}\n  ${textOf(answer)}`);
      if (bad) failed++;
      if (!(bad && keep)) rmSync(message, { force: true });
    };
    const program = join(root, 'scripts', 'fuzz', 'try-model.mjs');
    await runCases(cases(), { program, timeout: 60_000, concurrency, report });
  } finally {
    if (!keep) rmSync(folder, { recursive: true, force: true });
    else console.log(`the files of the cases that failed: ${folder}`);
  }
  for (const [outcome, times] of [...outcomes].sort((a, b) => b[1] - a[1]).slice(0, 12)) {
    console.log(`  ${String(times).padStart(6)} ${outcome}`);
  }
  return failed;
}
