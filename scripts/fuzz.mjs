// Random input for what a user can give, in child processes, for as long as you like: `npm run fuzz -- calls`.
// Every case is determined by a seed and a number, which are printed: `npm run fuzz -- models --case 17:423`.
import { parseArgs } from 'node:util';
import { fuzzCalls } from './fuzz/calls.mjs';
import { fuzzModels } from './fuzz/models.mjs';
import { main, PlainError } from './run.mjs';

const fuzzers = { calls: fuzzCalls, models: fuzzModels };

const usage = `usage: npm run fuzz -- ${Object.keys(fuzzers).join('|')} [options]
  --count N        cases (default 300)
  --seed N         the seed (default: the time)
  --from N         the number of the first case (default 0)
  --case SEED:N    one case again
  --jobs N         processes at a time (default 2)
  --seeds FOLDER   models: the files to change (default: the default model, and one of every architecture
                   after npm run test:oracles)
  --keep           models: keep the files of cases that failed
  --verbose        print every case`;

await main(import.meta.url, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      count: { type: 'string', default: '300' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      from: { type: 'string', default: '0' },
      case: { type: 'string' },
      jobs: { type: 'string', default: '2' },
      seeds: { type: 'string' },
      keep: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
    },
  });
  const [kind] = positionals;
  const fuzz = Object.hasOwn(fuzzers, kind ?? '') ? fuzzers[kind] : undefined;
  if (fuzz === undefined) throw new PlainError(usage);
  const [seed, first] = (values.case ?? `${values.seed}:${values.from}`).split(':').map(Number);
  const count = values.case === undefined ? Number(values.count) : 1;
  const concurrency = Number(values.jobs);
  for (const number of [seed, first, count, concurrency]) {
    if (!Number.isSafeInteger(number) || number < 0) throw new PlainError(usage);
  }
  const verbose = values.verbose || values.case !== undefined;
  console.log(`${kind}: seed ${seed}, cases ${first} to ${first + count - 1}`);
  const { seeds, keep } = values;
  const start = Date.now();
  const failed = await fuzz({ seed, first, count, concurrency, verbose, seeds, keep });
  const seconds = ((Date.now() - start) / 1000).toFixed(0);
  console.log(`${kind}: ${count} cases, ${failed} failed, ${seconds} s`);
  if (failed > 0) process.exitCode = 1;
});
