// Measures how much log-probabilities change under conditions that should not matter: `npm run measure:reproducibility`,
// for the default model with several weight types, or `-- --model FILE.gguf` for another model. Prints a Markdown table;
// docs/reproducibility.md has one and explains it.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultModelPath, getBackends, Model, quantize } from 'autocog-lm';
import { forms, measure } from './reproducibility-cases.mjs';
import { capture, main } from './run.mjs';

const kinds = {
  cpu: 'GPU and CPU',
  same: 'the same cells and kernels',
  cells: 'other cells of the KV buffer',
  kernels: 'other kernels',
};

/** Formats a result: bitwise equal, or the largest difference and the share of values that differ. */
export function showResult({ worst, differ, values }) {
  if (worst === 0) return 'equal';
  const share = (100 * differ) / values;
  return `${worst.toExponential(1)} (${share < 1 ? '<1' : Math.round(share)}%)`;
}

async function measureFile(path, options, problems) {
  const model = await Model.load(path);
  try {
    return await measure(model, { threads: 1, ...options }, problems);
  } finally {
    await model.close();
  }
}

/** The results of all cases, per label. */
async function measureForms(problems) {
  const folder = mkdtempSync(join(tmpdir(), 'autocog-reproducibility-'));
  const columns = new Map();
  try {
    for (const { label, type, options } of forms) {
      const path = join(folder, `${type}.gguf`);
      await quantize(defaultModelPath, path, type);
      columns.set(label, await measureFile(path, options, problems));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return columns;
}

function printHead(problems) {
  const { llamaVersion, systemInfo } = getBackends();
  const [cpu] = cpus();
  const commit = capture('git', ['rev-parse', '--short=12', 'HEAD']) ?? 'none';
  const changed = capture('git', ['status', '--porcelain']) ? ' with uncommitted changes' : '';
  const given = process.argv.slice(2);
  console.log(
    ['npm run measure:reproducibility', ...(given.length > 0 ? ['--'] : []), ...given].join(' '),
  );
  console.log(`${cpu.model} × ${cpus().length}, ${systemInfo.trim()}`);
  console.log(`commit ${commit}${changed}, llama.cpp ${llamaVersion}, Node ${process.version}`);
  console.log(`${problems} problems\n`);
}

/** Prints the results of {@link measure}, by the labels of their columns. */
export function printTable(columns) {
  const [rows] = columns.values();
  const line = (cells) => console.log(`| ${cells.join(' | ')} |`);
  line(['', ...columns.keys()]);
  line(['---', ...[...columns.keys()].map(() => '---')]);
  let previousKind;
  for (const [index, { kind, name }] of rows.entries()) {
    if (kind !== previousKind) line([`**${kinds[kind]}**`, ...[...columns.keys()].map(() => '')]);
    previousKind = kind;
    line([name, ...[...columns.values()].map((results) => showResult(results[index]))]);
  }
}

await main(import.meta.url, async () => {
  const { values } = parseArgs({
    options: {
      model: { type: 'string' },
      context: { type: 'string' },
      problems: { type: 'string', default: '48' },
    },
  });
  const problems = Number(values.problems);
  printHead(problems);
  const { model, context } = values;
  if (model === undefined) return printTable(await measureForms(problems));
  const options = context === undefined ? {} : { contextSize: Number(context) };
  printTable(new Map([['as it is', await measureFile(model, options, problems)]]));
});
