// Random inputs of one kind: `npm run fuzz -- KIND`, for as long as asked for. Each kind is a file of
// scripts/fuzz, which exports `fuzz(options)`. The seed is printed first, so that even a run that ends
// the process can be repeated.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, PlainError, root } from './run.mjs';

const kinds = readdirSync(join(root, 'scripts', 'fuzz'))
  .filter((name) => name.endsWith('.mjs'))
  .map((name) => name.replace('.mjs', ''))
  .sort();

const usage = `npm run fuzz -- ${kinds.join('|')} [--runs 1000] [--seconds none] [--seed random] [--path none]
  models: [--models FOLDER, whose files are changed]`;

function count(text, name) {
  if (text === undefined) return undefined;
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new PlainError(`Expected a number for --${name}, got ${text}\n  ${usage}`);
}

async function fuzz() {
  const text = { type: 'string' };
  const options = { runs: text, seconds: text, seed: text, path: text, models: text };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [kind, ...others] = positionals;
  if (!kinds.includes(kind) || others.length > 0) throw new PlainError(usage);
  const seed = count(values.seed, 'seed') ?? Math.floor(Math.random() * 2 ** 31);
  const seconds = count(values.seconds, 'seconds');
  const runs = count(values.runs, 'runs') ?? (seconds === undefined ? 1000 : undefined);
  console.log(`${kind}: seed ${seed}`);
  const start = performance.now();
  const module = await import(`./fuzz/${kind}.mjs`);
  const result = await module.fuzz({
    seed,
    runs,
    seconds,
    path: values.path,
    models: values.models,
  });
  const took = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${kind}: ${result}, ${took} s, seed ${seed}`);
}

main(import.meta.url, fuzz);
